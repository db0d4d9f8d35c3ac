import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Platform, until } from '../test/constellation/platform.ts';
import { Publisher } from '../test/constellation/publisher.ts';
import { Viewer } from '../test/constellation/viewer.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const patienceMs = 60_000;

/** From the command to the first decoded frame of the demo in a browser that is open and waiting. */
async function measureStart(context: BenchContext): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'streams-bench-'));
  const starts: number[] = [];
  try {
    // The first start makes the data folder; the ones after it are warm.
    for (let round = 0; round < (context.quick ? 2 : 4); round++) {
      const from = Date.now();
      const platform = await Platform.start({ dataDir, arguments: ['--demo'] });
      const ready = Date.now() - from;
      const viewer = await Viewer.open(platform.signInUrl);
      await until(
        () => viewer.look(),
        patienceMs,
        () => `No frame.\n${platform.log.slice(-3000)}`,
        50,
      );
      const frame = Date.now() - from;
      if (round > 0) starts.push(frame);
      context.row(round === 0 ? 'cold start' : `warm start ${round}`, ready, frame);
      await viewer.close();
      await platform.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
  const median = quantile(starts, 0.5) / 1000;
  context.bar('live.start-to-frame', median, 's', '<= 10', median <= 10);
}

/** Glass to glass: the timecode in the player's picture against the clock, with two-second segments. */
async function measureLatency(context: BenchContext): Promise<void> {
  const platform = await Platform.start();
  const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Latency' });
  const publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey) });
  const viewer = await Viewer.open(platform.signInUrl);
  try {
    await until(
      async () => ((await viewer.look())?.currentTime ?? 0) > 1,
      patienceMs,
      () => `No picture.\n${publisher.log}\n${platform.log.slice(-3000)}`,
    );
    // The player settles on its distance to the live edge first.
    await new Promise((resolve) => setTimeout(resolve, context.quick ? 8000 : 20_000));
    const samples: number[] = [];
    for (let count = 0; count < (context.quick ? 40 : 200); count++) {
      const latency = (await viewer.look())?.latencyMs;
      if (latency !== undefined) samples.push(latency);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const median = quantile(samples, 0.5) / 1000;
    context.row('latency', quantile(samples, 0.5), quantile(samples, 0.99));
    context.bar('live.latency', median, 's', '<= 6', median <= 6);
  } finally {
    await viewer.close();
    await publisher.stop();
    await platform.stop();
  }
}

export const bench: Bench = {
  name: 'live',
  summary: 'npm start -- --demo to the first frame in a browser; latency by the timecode in the picture, 2 s segments',
  async run(context) {
    context.row('what', 'ready / median, ms', 'frame / p99, ms');
    await measureStart(context);
    await measureLatency(context);
  },
};
