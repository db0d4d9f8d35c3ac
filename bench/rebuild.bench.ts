import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { edgesProjection } from '#domain/edge';
import { replayAggregate, type KnownReplay, type ReplayOrder } from '#domain/operation';
import { CommandExecutor } from '#runtime';
import { startProjector } from '../test/replay/projector-process.ts';
import { caughtUp, openWorld, type World } from '../test/replay/world.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';
import { facts } from './projection/facts.ts';
import { fillFolded, plainFolded } from './projection/folded-rows.ts';
import { settled } from './rebuild/settled.ts';

const goals = { seconds: 12, ofPlain: 0.8, liveRatio: 2, diffSeconds: 20 };
const alteredRows = 3;
/** The first one of a process compiles its code: it is told apart. */
const rebuildsRun = 3;
const schema = `${edgesProjection.name}_v${edgesProjection.version}`;

/** Orders replays of the edges' read model from the projector's process, and waits for them. */
class Orders {
  readonly #world: World;
  readonly #commands: CommandExecutor;
  #count = 0;

  constructor(world: World) {
    this.#world = world;
    this.#commands = new CommandExecutor({ aggregates: world.aggregates, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/bench/1' });
  }

  /** Seconds from the order until it is in this state. */
  async done(status: 'promoted' | 'compared', order: Partial<ReplayOrder>): Promise<{ readonly id: string; readonly seconds: number }> {
    const id = `rp-bench${this.#count++}`;
    const whole = {
      replayId: id,
      projection: edgesProjection.name,
      mode: 'rebuild',
      fromMs: null,
      untilMs: null,
      partitions: null,
      promote: false,
      reason: '',
    } as const;
    const begun = performance.now();
    await this.#commands.execute(replayAggregate, id, { type: 'RequestReplay', ...whole, ...order }, { actor: 'key:bench', correlationId: id });
    for (;;) {
      const state = (await this.#world.aggregates.load('operation', id))?.state as KnownReplay;
      if (state.status === status) return { id, seconds: (performance.now() - begun) / 1000 };
      if (state.phase === 'closed' || performance.now() - begun > 120_000) throw new Error(`${id} is ${state.status}, not ${status}.`);
      await sleep(20);
    }
  }
}

/** Changes the counters of some edges behind everybody's back. */
async function alterRows(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const text = `UPDATE ${schema}.edge_counters SET requests = requests + 1 WHERE ctid IN (SELECT ctid FROM ${schema}.edge_counters ORDER BY edge_id LIMIT ${alteredRows})`;
  await client.query(text);
  await client.end();
}

/** The 99th percentile of event → row, ms, with replays one after another all the while. */
async function liveWhile(world: World, orders: Orders, ms: number): Promise<{ readonly p99: number; readonly replays: number }> {
  let [over, replays] = [false, 0];
  const replaying = (async () => {
    while (!over) {
      await orders.done('promoted', { promote: true });
      replays++;
    }
  })();
  const p99 = quantile(await facts(world, ms, 10_000_000), 0.99);
  over = true;
  await replaying;
  return { p99, replays };
}

/** Seconds of a rebuild in a process that meets the whole log for the first time, and has everything else to do with it as well. Ends when all is done. */
async function besideCatchUp(world: World, orders: Orders): Promise<number> {
  const projector = await startProjector(world);
  try {
    await caughtUp(world, [edgesProjection]);
    const { seconds } = await orders.done('promoted', { promote: true });
    await settled(world);
    return seconds;
  } finally {
    await projector.stop();
  }
}

async function run(context: BenchContext): Promise<void> {
  const count = context.quick ? 200_000 : 1_000_000;
  const world = await openWorld();
  const rounded = (value: number): number => Math.round(value * 100) / 100;
  try {
    await fillFolded(world, count);
    const plain = await plainFolded(world.databaseUrl, count);
    const orders = new Orders(world);
    context.row('what', 'seconds', 'events/s', 'plain pg, decoded already');
    const amidst = await besideCatchUp(world, orders);
    context.row(
      'rebuild while its projector catches up with the ledger, the index and the past',
      rounded(amidst),
      Math.round(count / amidst),
      Math.round(plain),
    );
    const projector = await startProjector(world);
    world.closing.push(() => projector.stop());
    await settled(world);
    const rebuilds: number[] = [];
    for (let at = 0; at < rebuildsRun; at++) rebuilds.push((await orders.done('promoted', { promote: true })).seconds);
    const first = rebuilds[0] as number;
    const seconds = quantile(rebuilds, 0.5);
    const speed = count / seconds;
    context.row(
      `rebuild of ${count} events over 20,000 keys, to promoted: first of a new process`,
      rounded(first),
      Math.round(count / first),
      Math.round(plain),
    );
    context.row(`the same, median of ${rebuildsRun}`, rounded(seconds), Math.round(speed), Math.round(plain));
    await alterRows(world.databaseUrl);
    const diff = await orders.done('compared', { mode: 'comparison' });
    const tables = (await world.builds.show(diff.id))?.difference?.tables ?? [];
    const found = tables.reduce((sum, { added, removed, changed }) => sum + added + removed + changed, 0);
    context.row(`dry run with ${alteredRows} rows altered: ${found} found`, rounded(diff.seconds), Math.round(count / diff.seconds), '');
    const ms = context.quick ? 4000 : 10_000;
    const alone = quantile(await facts(world, ms), 0.99);
    const beside = await liveWhile(world, orders, ms);
    const ratio = beside.p99 / alone;
    context.row(`live p99 alone ${rounded(alone)} ms, beside ${beside.replays} rebuilds ${rounded(beside.p99)} ms`, '', '', '');
    const goalSeconds = (goals.seconds * count) / 1_000_000;
    context.bar('rebuild.seconds', rounded(seconds), 's', `<= ${goalSeconds}`, seconds <= goalSeconds);
    context.bar('rebuild.first.seconds', rounded(first), 's', `<= ${goalSeconds}`, first <= goalSeconds);
    context.bar('rebuild.of-plain', rounded(speed / plain), 'x', `>= ${goals.ofPlain}`, speed / plain >= goals.ofPlain, Math.round(plain));
    context.bar('rebuild.diff.rows', found, 'rows', `= ${alteredRows}`, found === alteredRows);
    context.bar('rebuild.diff.seconds', rounded(diff.seconds), 's', `<= ${goals.diffSeconds}`, diff.seconds <= goals.diffSeconds);
    context.bar('rebuild.live.p99', rounded(ratio), 'x', `<= ${goals.liveRatio}`, ratio <= goals.liveRatio);
  } finally {
    await world.close();
  }
}

export const bench: Bench = {
  name: 'rebuild',
  summary: 'A read model built anew beside the serving one: to promoted, against plain pg; its difference; live traffic meanwhile',
  run,
};
