import { purgeRequested, topicPartitions } from '#events';
import { accept } from '#kernel';
import { CommandExecutor } from '#runtime';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';
import { startProjector } from '../test/replay/projector-process.ts';
import { facts, factsPerSecond as perSecond, settle, warmUpMs } from './projection/facts.ts';
import { pace, Visibility } from './projection/visibility.ts';
import { openWorld, type World } from '../test/replay/world.ts';

const goalMs = 50;

const eventsPerCommand = 10;

const purges = {
  context: 'cache',
  decider: {
    initialState: null,
    decide: (id: string) =>
      accept(
        ...Array.from({ length: eventsPerCommand }, (_, at) => purgeRequested.draft({ purgeId: `${id}-${at}`, urls: ['/live/st-1/master.m3u8'], reason: '' })),
      ),
    evolve: () => null,
  },
} as const;

/** Commands of ten events each: head and outbox in PostgreSQL, relay, log, projection. Counted from the answer to the command. */
async function commands(world: World, ms: number): Promise<readonly number[]> {
  const executor = new CommandExecutor({ aggregates: world.aggregates, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/bench/1' });
  const text = 'SELECT purge_id, 0 FROM read.purge WHERE requested_at_ms >= $1';
  const visibility = new Visibility(world.databaseUrl, { text, values: () => [Date.now() - 1000] });
  await visibility.start();
  const execute = async (id: string): Promise<void> => {
    await executor.execute(purges, id, id, { actor: 'key:bench', correlationId: id });
    for (let at = 0; at < eventsPerCommand; at++) visibility.sent(`${id}-${at}`, 0);
  };
  for (const [run, runMs] of [
    ['warm', warmUpMs],
    ['measured', ms],
  ] as const) {
    visibility.samples.length = 0;
    const under: Array<Promise<void>> = [];
    await pace(perSecond / eventsPerCommand, runMs, (n) => under.push(execute(`${run}-${n}`)));
    await Promise.all(under);
    await settle(visibility);
  }
  await visibility.stop();
  return visibility.samples;
}

async function run(context: BenchContext): Promise<void> {
  const world = await openWorld();
  const projector = await startProjector(world);
  try {
    const ms = context.quick ? 4000 : 10_000;
    context.row('path', 'events', 'p50 ms', 'p99 ms', 'max ms');
    const say = (path: string, samples: readonly number[]): number => {
      const [p50, p99, most] = [0.5, 0.99, 1].map((q) => Math.round(quantile(samples, q) * 10) / 10) as [number, number, number];
      context.row(path, samples.length, p50, p99, most);
      return p99;
    };
    const fact = say(`fact appended → visible, ${perSecond}/s over ${topicPartitions} partitions`, await facts(world, ms));
    const command = say(`command committed → visible, through the outbox, ${perSecond}/s`, await commands(world, ms));
    context.bar('read-model.visible.p99', fact, 'ms', `<= ${goalMs}`, fact <= goalMs);
    context.bar('read-model.command.p99', command, 'ms', `<= ${goalMs}`, command <= goalMs);
  } finally {
    await projector.stop();
    await world.close();
  }
}

export const bench: Bench = {
  name: 'read-model-latency',
  summary: 'From an event on the log, and from a committed command, to the row that a reader sees',
  run,
};
