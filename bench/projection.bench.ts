import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { edgesProjection } from '#domain/edge';
import { streamsProjection } from '#domain/stream';
import { countPerSecond, type Bench, type BenchContext } from './harness/index.ts';
import { fillFolded, plainFolded } from './projection/folded-rows.ts';
import { fillWide, plainWide } from './projection/wide-rows.ts';
import { caughtUp, hostOf, openWorld, type World } from '../test/replay/world.ts';

/**
 * Two shapes, each beside plain `pg` that does nothing but write the same shape. `projection.throughput`, the promised
 * events per second, is the shape in which research/event-sourcing.md 2.2 measured it: 200,000 events over 20,000 keys
 * that fold to rows. `projection.throughput.rows` is the hard one, where nearly every event is a wide new row. The promise
 * is the same for both; what plain upserts of such rows reach in the same run tells how fast the machine is.
 */
const goal = 50_000;

interface Shape {
  readonly projection: Projection<DomainEvent>;
  fill(world: World, count: number): Promise<number>;
  plain(url: string, count: number): Promise<number>;
}

async function measure(shape: Shape, count: number): Promise<{ readonly ours: number; readonly peer: number }> {
  const world = await openWorld();
  try {
    const total = await shape.fill(world, count);
    const host = await hostOf(world, [shape.projection]);
    const ours = await countPerSecond(total, async () => {
      await host.start();
      await caughtUp(world, [shape.projection]);
    });
    await host.stop();
    return { ours: Math.round(ours), peer: Math.round(await shape.plain(world.databaseUrl, total)) };
  } finally {
    await world.close();
  }
}

async function run(context: BenchContext): Promise<void> {
  const count = context.quick ? 100_000 : 200_000;
  context.row('events/s', 'log → decode → fold → rows + checkpoint', 'plain pg, decoded already');
  const folded = await measure({ projection: edgesProjection, fill: fillFolded, plain: plainFolded }, 200_000);
  context.row('reports of 20,000 edges, folded', folded.ours, folded.peer);
  const wide = await measure({ projection: streamsProjection, fill: fillWide, plain: plainWide }, count);
  context.row('segments, a wide new row each', wide.ours, wide.peer);
  context.bar('projection.throughput', folded.ours, '1/s', `>= ${goal}`, folded.ours >= goal, folded.peer);
  context.bar('projection.throughput.rows', wide.ours, '1/s', `>= ${goal}`, wide.ours >= goal, wide.peer);
}

export const bench: Bench = {
  name: 'projection',
  summary: 'Events per second from the SQLite log into embedded PostgreSQL, exact checkpoint, against plain pg',
  run,
};
