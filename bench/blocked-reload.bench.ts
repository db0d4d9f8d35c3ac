import { Platform, until } from '../test/constellation/platform.ts';
import { Publisher } from '../test/constellation/publisher.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';
import { bareTimes } from './ll-hls/bare.ts';
import { waitingTimes } from './ll-hls/waiting.ts';

const patienceMs = 60_000;
const waiters = 1000;
const msMax = 20;
const warmUp = 5;
/** Of a bare server's answers: as long as an update is. */
const answerBytes = 2500;
/** Small, so that the encoder leaves a core to those who wait. */
const picture = { width: 426, height: 240, videoBitrate: '400k' };

async function measure(context: BenchContext, platform: Platform): Promise<void> {
  const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Low latency' });
  const publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), ...picture });
  try {
    const playlist = `${platform.gatewayUrl}/live/${stream.id}/240p.m3u8`;
    await until(
      async () => /EXT-X-PART:/.test(await (await fetch(playlist)).text()),
      patienceMs,
      () => `No parts.\n${platform.log.slice(-3000)}`,
    );
    const rounds = context.quick ? 20 : 60;
    context.row(`${waiters} requests wait for one part; answered after it, ms`, 'median', 'p99', 'max');
    // Beside the same encoder.
    const bare = await bareTimes({ waiters, rounds, warmUp, answerBytes });
    const peer = quantile(bare, 0.99);
    context.row('a bare Node server that does nothing else', quantile(bare, 0.5), peer, Math.max(...bare));
    for (const [where, port] of [
      ['gateway', platform.ports.gateway],
      ['edge', platform.ports.edge],
    ] as const) {
      const times = await waitingTimes(platform, { streamId: stream.id, rendition: '240p', port, waiters, rounds, warmUp });
      const p99 = quantile(times, 0.99);
      context.row(where, quantile(times, 0.5), p99, Math.max(...times));
      context.bar(`ll-hls.waiting.${where}`, p99, 'ms', `<= ${msMax}`, p99 <= msMax && !times.some(Number.isNaN), peer);
    }
  } finally {
    await publisher.stop();
  }
}

export const bench: Bench = {
  name: 'blocked-reload',
  summary: 'LL-HLS: 1,000 blocked reloads answered after the part, by gateway and edge, against a bare Node server',
  async run(context) {
    const platform = await Platform.start();
    try {
      await measure(context, platform);
    } finally {
      await platform.stop();
    }
  },
};
