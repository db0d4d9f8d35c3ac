import type { Part } from '../test/constellation/platform.ts';
import { Publisher } from '../test/constellation/publisher.ts';
import { Walker } from '../test/walker/walker.ts';
import { live, sleep } from './glass/live.ts';
import type { Bench, BenchContext } from './harness/index.ts';

/** Every playlist, judged on every reload, while something dies every now and then. */
async function walk(context: BenchContext): Promise<void> {
  await live({}, { width: 854, height: 480 }, async (live) => {
    const { platform, stream } = live;
    const walker = new Walker({ url: `${platform.edgeUrl}/live/${stream.id}/master.m3u8` });
    await walker.start();
    const deaths: ReadonlyArray<Part | 'publisher'> = ['ffmpeg', 'publisher', 'media', 'gateway', 'edge'];
    // A part is owed for six target durations, and the packager and the gateway have it: both dead within them is another test (ADR 28).
    const [minutes, pauseMs] = context.quick ? [1.7, 20_000] : [10, 40_000];
    const end = performance.now() + minutes * 60_000;
    let died = 0;
    for (; performance.now() < end; died++) {
      await sleep(pauseMs);
      const victim = deaths[died % deaths.length] as (typeof deaths)[number];
      if (victim !== 'publisher') platform.kill(victim);
      else {
        await live.publisher.stop('SIGKILL');
        live.publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), ...live.source });
      }
    }
    const { violations, reloads, blocked, parts, segments, unavailable } = await walker.stop();
    for (const violation of violations) context.row(violation);
    context.row(
      `walker, ${minutes} min, ${died} deaths`,
      `${reloads} reloads, ${blocked} blocking, ${unavailable} in vain`,
      `${parts} parts, ${segments} segments compared`,
    );
    context.bar('walker.violations', violations.size, 'violations', '0', violations.size === 0);
  });
}

export const bench: Bench = {
  name: 'walker',
  summary: 'LL-HLS: RFC 8216bis 6.2 judged on every reload for 10 minutes, while encoder, publisher, packager, gateway and edge are killed by turns',
  async run(context) {
    context.row('what', 'reloads', 'compared');
    await walk(context);
  },
};
