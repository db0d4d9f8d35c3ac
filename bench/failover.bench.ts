import { Platform, until } from '../test/constellation/platform.ts';
import type { Steps } from './failover/edge-clock.ts';
import { closeScene, inUse, openScene, patienceMs, type Scene } from './failover/scene.ts';
import type { ShownFrame } from './failover/shown-frames.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

/** For a publisher that was killed to come back and be kept warm, and for the player to settle. */
const betweenMs = 2_500;
/** Deaths come at any place of a segment. */
const segmentMs = 2_000;
const seenMsMax = 2_500;
const gapMsMax = 4_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a death led to, ms from it on. */
type Stages = Record<string, number | undefined>;

function stepsFrom(atMs: number, { runAt, partAt, segmentAt }: Steps): Stages {
  const since = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms - atMs);
  return { 'until an encoder is planned': since(runAt), 'until its first part': since(partAt), 'until its first segment': since(segmentAt) };
}

/** The first picture that was drawn after the kill; the encoder that died cannot have drawn it. */
async function firstAfter({ frames }: Scene, killedAt: number, shown: ShownFrame[]): Promise<ShownFrame> {
  return until(
    async () => {
      shown.push(...(await frames.take()));
      return shown.find(({ drawnMs }) => drawnMs > killedAt + 50);
    },
    patienceMs,
    () => 'The other publisher was never seen.',
  );
}

const latencyOf = (shown: readonly ShownFrame[]): number =>
  quantile(
    shown.slice(-15).map(({ atMs, drawnMs }) => atMs - drawnMs),
    0.5,
  );

/** The longest time for which one picture stood, ms. */
function longestStand(shown: readonly ShownFrame[]): number {
  return Math.max(0, ...shown.slice(1).map(({ atMs }, n) => atMs - (shown[n] as ShownFrame).atMs));
}

async function switchOnce(scene: Scene): Promise<Stages> {
  await sleep(betweenMs + Math.random() * segmentMs);
  const active = await inUse(scene);
  const shown = (await scene.frames.take()).slice(-15);
  const before = latencyOf(shown);
  scene.edge.restart();
  const killedAt = Date.now();
  await scene.publishers[active].stop('SIGKILL');
  const first = await firstAfter(scene, killedAt, shown);
  scene.publishers[active] = scene.begin(active);
  return { 'latency before': before, ...stepsFrom(killedAt, scene.edge.steps), 'one picture stands': longestStand(shown), seen: first.atMs - killedAt };
}

async function killEncoderOnce({ clock, edge, platform }: Scene): Promise<Stages> {
  await sleep(Math.random() * segmentMs);
  clock.restart();
  edge.restart();
  const { newest } = clock;
  const killedAt = Date.now();
  platform.kill('ffmpeg');
  await until(
    () => clock.newest >= newest + 2,
    patienceMs,
    () => 'No segments after the encoder was killed.',
  );
  return { ...stepsFrom(killedAt, edge.steps), 'between segments': clock.longestMs };
}

interface Rounds {
  readonly what: string;
  /** Which of the stages is judged, and by what, ms. */
  readonly judged: string;
  readonly msMax: number;
  readonly count: number;
  readonly id: string;
}

/** Dies again and again, and says how long each stage took. */
async function measure(context: BenchContext, { what, judged, msMax, count, id }: Rounds, once: () => Promise<Stages>): Promise<void> {
  const rounds: Stages[] = [];
  for (let n = 0; n < count; n++) {
    const stages = await once();
    rounds.push(stages);
    const isLate = (stages[judged] ?? Number.POSITIVE_INFINITY) > msMax;
    const told = Object.entries(stages).map(([name, ms]) => `${name} ${ms === undefined ? '?' : Math.round(ms)}`);
    process.stderr.write(`${what} ${n + 1}${isLate ? ' LATE' : ''}: ${told.join(', ')}\n`);
  }
  for (const stage of Object.keys(rounds[0] ?? {})) {
    const times = rounds.flatMap((stages) => stages[stage] ?? []);
    if (times.length > 0) context.row(`${what}: ${stage}`, times.length, quantile(times, 0.5), quantile(times, 0.95), Math.max(...times));
  }
  const all = rounds.map((stages) => stages[judged] as number);
  const inTime = all.filter((ms) => ms <= msMax).length;
  context.bar(`failover.${id}.max`, Math.max(...all) / 1000, 's', `<= ${msMax / 1000}`, inTime === count);
  context.bar(`failover.${id}.in-time`, inTime, `of ${count}`, count, inTime === count);
}

export const bench: Bench = {
  name: 'failover',
  summary: 'a publisher is killed while the other is warm: when a player shows the other; an encoder is killed: how long no segment comes',
  async run(context) {
    const count = context.quick ? 10 : 100;
    // Nobody goes back by himself: the one that is in use is killed each time.
    const platform = await Platform.start({ env: { FAILOVER_RETURN_MS: '3600000' } });
    try {
      const scene = await openScene(platform);
      context.row('what, ms', 'times', 'median', 'p95', 'max');
      await measure(context, { what: 'publisher killed', judged: 'seen', msMax: seenMsMax, count, id: 'seen' }, () => switchOnce(scene));
      const reloads = (await scene.viewer.page.evaluate('window.neverReloaded === true')) ? 0 : 1;
      context.bar('failover.page-reloads', reloads, 'loads', 0, reloads === 0);
      await measure(context, { what: 'encoder killed', judged: 'between segments', msMax: gapMsMax, count, id: 'encoder-gap' }, () => killEncoderOnce(scene));
      const broken = scene.clock.broken.length;
      for (const one of scene.clock.broken) process.stderr.write(`sequence: ${one}\n`);
      context.bar('failover.sequence-errors', broken, 'errors', 0, broken === 0);
      await closeScene(scene);
    } finally {
      await platform.stop();
    }
  },
};
