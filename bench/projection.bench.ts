import { streamsProjection } from '#domain/stream';
import type { LogRecord } from '#events';
import { countPerSecond, type Bench, type BenchContext } from './harness/index.ts';
import { created, segments, started } from './projection/events.ts';
import { plainUpserts } from './projection/plain-upserts.ts';
import { caughtUp, hostOf, openWorld, type World } from '../test/replay/world.ts';

const goal = 50_000;
const keys = 20_000;

/** Ten events per stream: created, started, two media sequences of four renditions; as they come when all streams run at once. */
async function fill(world: World, count: number): Promise<number> {
  const streams = Array.from({ length: Math.min(keys, count / 10) }, (_, at) => `st-${at}`);
  const rounds: ReadonlyArray<(streamId: string) => readonly LogRecord[]> = [
    (id) => [created(id)],
    (id) => [started(id)],
    (id) => segments(id, 0),
    (id) => segments(id, 1),
  ];
  let total = 0;
  for (const round of rounds) {
    const records = streams.flatMap(round);
    for (let at = 0; at < records.length; at += 2000) await world.log.append('stream', records.slice(at, at + 2000));
    total += records.length;
  }
  return total;
}

async function run(context: BenchContext): Promise<void> {
  const world = await openWorld();
  try {
    const total = await fill(world, context.quick ? 100_000 : 200_000);
    const host = await hostOf(world, [streamsProjection]);
    const ours = await countPerSecond(total, async () => {
      await host.start();
      await caughtUp(world, [streamsProjection]);
    });
    await host.stop();
    const peer = await plainUpserts(world.databaseUrl, total);
    context.row('way', 'events/s');
    context.row('log → decode → fold → rows + checkpoint (ConsumerHost)', Math.round(ours));
    context.row('rows that are there already, unnest upsert of 5,000 + checkpoint (plain pg)', Math.round(peer));
    context.bar('projection.throughput', Math.round(ours), '1/s', `>= ${goal}`, ours >= goal, Math.round(peer));
  } finally {
    await world.close();
  }
}

export const bench: Bench = {
  name: 'projection',
  summary: 'Events per second from the SQLite log into embedded PostgreSQL, exact checkpoint, against plain pg',
  run,
};
