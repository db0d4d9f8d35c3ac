import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { edgesProjection } from '#domain/edge';
import { streamsProjection } from '#domain/stream';
import type { Bench, BenchContext } from './harness/index.ts';
import { fillFolded, plainFolded } from './projection/folded-rows.ts';
import { projectedIn } from './projection/host-process.ts';
import { fillWide, plainWide } from './projection/wide-rows.ts';
import { startKafka } from '../test/constellation/kafka/index.ts';
import { openWorld, type World } from '../test/replay/world.ts';

/**
 * Two shapes, each beside plain `pg` that does nothing but write the same shape. `projection.throughput`, the promised
 * events per second, is the shape in which research/event-sourcing.md 2.2 measured it: 200,000 events over 20,000 keys
 * that fold to rows. `projection.throughput.rows` is the hard one, where nearly every event is a wide new row; what plain
 * upserts of such rows reach in the same run tells how much of that is the database's.
 */
const goals = { folded: 100_000, rows: 50_000 };
/** From Kafka, of what is projected from the SQLite log in the same run. */
const kafkaGoal = 0.9;

interface Shape {
  readonly projection: Projection<DomainEvent>;
  fill(world: World, count: number): Promise<number>;
  plain(url: string, count: number): Promise<number>;
}

type LogSettings = Readonly<Record<string, string>>;

/** Events per second of a projector that starts behind a full log. */
async function project(shape: Shape, count: number, env?: LogSettings): Promise<{ readonly ours: number; readonly plain: number }> {
  const world = await openWorld(env);
  try {
    const total = await shape.fill(world, count);
    const ours = (total / (await projectedIn(world, shape.projection.name))) * 1000;
    return { ours: Math.round(ours), plain: env === undefined ? Math.round(await shape.plain(world.databaseUrl, total)) : 0 };
  } finally {
    await world.close();
  }
}

interface Figures {
  readonly embedded: number;
  readonly plain: number;
  /** The best of two runs, as is `embedded`: the first after a start of the broker pays for its compilers. */
  readonly kafka: number;
}

/** The two logs take turns, so that a machine that grows slower is no log's fault. */
async function measure(shape: Shape, count: number, kafka: LogSettings): Promise<Figures> {
  const [first, cluster] = [await project(shape, count), await project(shape, count, prefixed(kafka))];
  const [second, again] = [await project(shape, count), await project(shape, count, prefixed(kafka))];
  return { embedded: Math.max(first.ours, second.ours), plain: Math.max(first.plain, second.plain), kafka: Math.max(cluster.ours, again.ours) };
}

let worlds = 0;

/** Topics that nobody has used. */
function prefixed(env: LogSettings): LogSettings {
  return { ...env, KAFKA_TOPIC_PREFIX: `${env['KAFKA_TOPIC_PREFIX'] ?? ''}${++worlds}-` };
}

async function run(context: BenchContext): Promise<void> {
  const count = context.quick ? 100_000 : 200_000;
  const kafka = await startKafka();
  try {
    context.row('events/s', 'SQLite log → decode → fold → rows + checkpoint', 'from Kafka', 'plain pg, decoded already');
    const folded = await measure({ projection: edgesProjection, fill: fillFolded, plain: plainFolded }, 200_000, kafka.env);
    context.row('reports of 20,000 edges, folded', folded.embedded, folded.kafka, folded.plain);
    const wide = await measure({ projection: streamsProjection, fill: fillWide, plain: plainWide }, count, kafka.env);
    context.row('segments, a wide new row each', wide.embedded, wide.kafka, wide.plain);
    for (const [id, { embedded, plain }, goal] of [
      ['projection.throughput', folded, goals.folded],
      ['projection.throughput.rows', wide, goals.rows],
    ] as const)
      context.bar(id, embedded, '1/s', `>= ${goal}`, embedded >= goal, plain);
    for (const [id, figures] of [
      ['projection.kafka', folded],
      ['projection.kafka.rows', wide],
    ] as const)
      context.bar(id, figures.kafka / figures.embedded, 'x', `>= ${kafkaGoal} of the SQLite log`, figures.kafka >= kafkaGoal * figures.embedded);
  } finally {
    await kafka.stop();
  }
}

export const bench: Bench = {
  name: 'projection',
  summary: 'Events per second from the SQLite log and from Kafka into embedded PostgreSQL, exact checkpoint, against plain pg',
  run,
};
