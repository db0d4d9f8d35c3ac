import { Platform, until, type Part } from '../test/constellation/platform.ts';
import { Publisher } from '../test/constellation/publisher.ts';
import { Viewer } from '../test/constellation/viewer.ts';
import { Walker } from '../test/walker/walker.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

interface Created {
  readonly id: string;
  readonly streamKey: string;
}

const patienceMs = 60_000;
const picture = { width: 1280, height: 720 };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function live<T>(env: Readonly<Record<string, string>>, source: typeof picture, work: (live: Live) => Promise<T>): Promise<T> {
  const platform = await Platform.start({ env });
  try {
    const stream = await platform.api<Created>('POST', '/api/v1/stream/start', { name: 'Low latency', graceSeconds: 60 });
    const live: Live = { platform, stream, publisher: new Publisher({ url: platform.rtmpUrl(stream.streamKey), ...source }), source };
    try {
      return await work(live);
    } finally {
      await live.publisher.stop();
    }
  } finally {
    await platform.stop();
  }
}

interface Live {
  readonly platform: Platform;
  readonly stream: Created;
  readonly source: typeof picture;
  publisher: Publisher;
}

/** Glass to glass, by the timecode in the picture, in the console's player. */
async function measureLatency(context: BenchContext, name: string, env: Readonly<Record<string, string>>, goalMs: number): Promise<void> {
  await live(env, picture, async ({ platform, publisher }) => {
    const viewer = await Viewer.open(platform.signInUrl);
    try {
      await until(
        async () => ((await viewer.look())?.currentTime ?? 0) > 1,
        patienceMs,
        () => `No picture.\n${publisher.log}\n${platform.log.slice(-3000)}`,
      );
      // The player settles on its distance to the live edge first.
      await sleep(context.quick ? 8000 : 20_000);
      const samples: number[] = [];
      for (let count = 0; count < (context.quick ? 40 : 200); count++) {
        const latency = (await viewer.look())?.latencyMs;
        if (latency !== undefined) samples.push(latency);
        await sleep(250);
      }
      const median = quantile(samples, 0.5);
      context.row(`${name} glass to glass, ms`, median, quantile(samples, 0.99));
      context.bar(`ll-hls.latency.${name}`, median / 1000, 's', `<= ${goalMs / 1000}`, median <= goalMs);
    } finally {
      await viewer.close();
    }
  });
}

/** Every playlist, judged on every reload, while something dies every now and then. */
async function walk(context: BenchContext): Promise<void> {
  await live({}, { width: 854, height: 480 }, async (live) => {
    const { platform, stream } = live;
    const walker = new Walker({ url: `${platform.edgeUrl}/live/${stream.id}/master.m3u8` });
    await walker.start();
    const deaths: ReadonlyArray<Part | 'publisher'> = ['ffmpeg', 'publisher', 'media', 'gateway', 'edge'];
    const [minutes, pauseMs] = context.quick ? [0.75, 10_000] : [10, 40_000];
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
    context.bar('ll-hls.walker', violations.size, 'violations', '0', violations.size === 0);
  });
}

export const bench: Bench = {
  name: 'll-hls',
  summary: 'LL-HLS: glass to glass, low latency and classic; RFC 8216bis 6.2 for 10 minutes of deaths',
  async run(context) {
    context.row('what', 'median', 'p99');
    await measureLatency(context, 'low', {}, 2000);
    await measureLatency(context, 'classic', { LIVE_EDGE: 'off' }, 6000);
    await walk(context);
  },
};
