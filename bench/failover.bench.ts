import { Platform, until } from '../test/constellation/platform.ts';
import { Publisher } from '../test/constellation/publisher.ts';
import { SequenceClock } from '../test/constellation/sequence-clock.ts';
import { Viewer } from '../test/constellation/viewer.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const patienceMs = 60_000;
/** For a publisher that was killed to come back and be kept warm, and for the player to settle. */
const betweenMs = 4_000;
const lookEveryMs = 20;
const picture = { width: 640, height: 360, videoBitrate: '1000k' };
const ladder = [{ name: '360p', height: 360, videoBitrate: 800_000 }];

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Stage {
  readonly platform: Platform;
  readonly streamId: string;
  readonly viewer: Viewer;
  readonly clock: SequenceClock;
  /** By endpoint; killed and started anew. */
  readonly publishers: Record<'primary' | 'backup', Publisher>;
  readonly urls: Readonly<Record<'primary' | 'backup', string>>;
}

async function open(platform: Platform): Promise<Stage> {
  const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Failover', ladder });
  const primary = platform.rtmpUrl(stream.streamKey);
  const urls = { primary, backup: primary.replace(`:${platform.ports.rtmp}/`, `:${platform.ports.rtmpBackup}/`) };
  const publishers = { primary: new Publisher({ ...picture, url: urls.primary }), backup: new Publisher({ ...picture, url: urls.backup }) };
  const viewer = await Viewer.open(platform.signInUrl, { width: 900, height: 600 });
  await until(
    async () => ((await viewer.look())?.currentTime ?? 0) > 1,
    patienceMs,
    () => `No picture.\n${publishers.primary.log}\n${platform.log.slice(-3000)}`,
  );
  await viewer.page.evaluate('window.neverReloaded = true');
  const clock = new SequenceClock(`${platform.edgeUrl}/live/${stream.id}/360p.m3u8`);
  return { platform, streamId: stream.id, viewer, clock, publishers, urls };
}

type Publishing = { readonly publishers: ReadonlyArray<{ readonly endpoint: 'primary' | 'backup'; readonly active: boolean }> };

/** Both publish, and one of them is in use. */
function inUse({ platform, streamId }: Stage): Promise<'primary' | 'backup'> {
  return until(
    async () => {
      const { publishers } = await platform.api<Publishing>('GET', `/api/v1/streams/${streamId}`);
      return publishers.length === 2 ? publishers.find(({ active }) => active)?.endpoint : undefined;
    },
    patienceMs,
    () => 'There are no two publishers.',
  );
}

/** From the kill to the first picture in the player that was drawn after it, ms; the encoder that died cannot have drawn it. */
async function seenAfter({ viewer }: Stage, killedAt: number): Promise<number> {
  return until(
    async () => {
      const look = await viewer.look().catch(() => undefined);
      const now = Date.now();
      return look?.latencyMs !== undefined && now - look.latencyMs > killedAt + 50 ? now - killedAt : undefined;
    },
    patienceMs,
    () => 'The other publisher was never seen.',
    lookEveryMs,
  );
}

async function latencyOf({ viewer }: Stage): Promise<number> {
  const samples: number[] = [];
  for (let n = 0; n < 10; n++, await sleep(50)) samples.push((await viewer.look().catch(() => undefined))?.latencyMs ?? Number.NaN);
  return quantile(
    samples.filter((ms) => !Number.isNaN(ms)),
    0.5,
  );
}

async function measureSwitches(context: BenchContext, stage: Stage, rounds: number): Promise<void> {
  const [seen, before]: [number[], number[]] = [[], []];
  for (let n = 0; n < rounds; n++) {
    await sleep(betweenMs);
    const active = await inUse(stage);
    before.push(await latencyOf(stage));
    const killedAt = Date.now();
    await stage.publishers[active].stop('SIGKILL');
    seen.push(await seenAfter(stage, killedAt));
    stage.publishers[active] = new Publisher({ ...picture, url: stage.urls[active] });
    process.stderr.write(`switch ${n + 1}: latency before ${before.at(-1)} ms, seen after ${seen.at(-1)} ms\n`);
  }
  const reloads = (await stage.viewer.page.evaluate('window.neverReloaded === true')) ? 0 : 1;
  const late = seen.filter((ms) => ms > 2500).length;
  context.row('a publisher is killed', rounds, quantile(seen, 0.5), quantile(seen, 0.99), Math.max(...seen));
  context.row('latency of the player before', rounds, quantile(before, 0.5), quantile(before, 0.99), Math.max(...before));
  context.bar('failover.seen.max', Math.max(...seen) / 1000, 's', '<= 2.5', late === 0);
  context.bar('failover.seen.in-time', rounds - late, `of ${rounds} switches`, rounds, late === 0);
  context.bar('failover.page-reloads', reloads, 'loads', 0, reloads === 0);
}

async function measureEncoders(context: BenchContext, stage: Stage, rounds: number): Promise<void> {
  const gaps: number[] = [];
  for (let n = 0; n < rounds; n++) {
    await sleep(betweenMs);
    stage.clock.restart();
    const { newest } = stage.clock;
    stage.platform.kill('ffmpeg');
    await until(
      () => stage.clock.newest >= newest + 3,
      patienceMs,
      () => 'No segments after the encoder was killed.',
    );
    gaps.push(stage.clock.longestMs);
    process.stderr.write(`encoder ${n + 1}: longest wait for a segment ${stage.clock.longestMs} ms\n`);
  }
  const late = gaps.filter((ms) => ms > 4000).length;
  context.row('the encoder is killed: between segments', rounds, quantile(gaps, 0.5), quantile(gaps, 0.99), Math.max(...gaps));
  context.bar('failover.encoder-gap.max', Math.max(...gaps) / 1000, 's', '<= 4', late === 0);
  context.bar('failover.encoder-gap.in-time', rounds - late, `of ${rounds} kills`, rounds, late === 0);
}

export const bench: Bench = {
  name: 'failover',
  summary: 'a publisher is killed while the other is warm: when a player shows the other; an encoder is killed: how long no segment comes',
  async run(context) {
    const rounds = context.quick ? 10 : 100;
    // Nobody goes back by himself: the one that is in use is killed each time.
    const platform = await Platform.start({ env: { FAILOVER_RETURN_MS: '3600000' } });
    try {
      const stage = await open(platform);
      context.row('what', 'times', 'median, ms', 'p99, ms', 'max, ms');
      await measureSwitches(context, stage, rounds);
      await measureEncoders(context, stage, context.quick ? 5 : 100);
      await stage.clock.stop();
      const broken = stage.clock.broken.length;
      for (const one of stage.clock.broken) process.stderr.write(`sequence: ${one}\n`);
      context.bar('failover.sequence-errors', broken, 'errors', 0, broken === 0);
      await stage.viewer.close();
      await Promise.all(Object.values(stage.publishers).map((one) => one.stop('SIGKILL')));
    } finally {
      await platform.stop();
    }
  },
};
