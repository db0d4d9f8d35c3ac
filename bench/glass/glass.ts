import type { Look } from '../../test/constellation/viewer.ts';
import { until } from '../../test/constellation/platform.ts';
import { quantile, type BenchContext } from '../harness/index.ts';
import { live, patienceMs, sleep, type Live } from './live.ts';

const picture = { width: 1280, height: 720 };

/** Somebody who looks at the picture in a real browser. */
export interface Glass {
  look(): Promise<Look | undefined>;
  close(): Promise<void>;
}

export interface GlassInit {
  readonly name: string;
  /** Undefined: told and not judged. */
  readonly bar?: string | undefined;
  readonly goalMs: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly open: (live: Live) => Promise<Glass>;
}

/** Glass to glass, by the timecode in the picture. */
export async function glassToGlass(context: BenchContext, { name, bar, goalMs, env = {}, open }: GlassInit): Promise<void> {
  await live(env, picture, async (stage) => {
    const { platform, publisher } = stage;
    const glass = await open(stage);
    try {
      await until(
        async () => ((await glass.look())?.currentTime ?? 0) > 1,
        patienceMs,
        () => `No picture.\n${publisher.log}\n${platform.log.slice(-3000)}`,
      );
      // The player settles on its distance to the live edge first.
      await sleep(context.quick ? 8000 : 20_000);
      const samples: number[] = [];
      for (let count = 0; count < (context.quick ? 40 : 200); count++) {
        const latency = (await glass.look())?.latencyMs;
        if (latency !== undefined) samples.push(latency);
        await sleep(250);
      }
      const median = quantile(samples, 0.5);
      context.row(`${name} glass to glass, ms`, median, quantile(samples, 0.99));
      if (bar !== undefined) context.bar(bar, median / 1000, 's', `<= ${goalMs / 1000}`, median <= goalMs);
    } finally {
      await glass.close();
    }
  });
}
