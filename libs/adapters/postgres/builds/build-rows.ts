import type { DomainEvent } from '#events';
import { OperatingError, type Projection, type RowChange, type TableSpec } from '#kernel';
import {
  poisonedMax,
  type BuildClaim,
  type BuildMove,
  type BuildPosition,
  type BuildProgress,
  type BuildState,
  type BuildView,
  type ModelDifference,
  type PoisonedPlace,
} from '#ports';
import { textArray } from '../array-literal.ts';
import { changeBatches, upsertValues } from '../change-batch.ts';
import type { Statement, TextResult, TextRow } from '../database.ts';
import { schemaOf, upsertSql } from '../table-sql.ts';

export type Run = (statement: Statement) => Promise<TextResult>;

/** A row of `streams.projection_builds`, as the transactions need it. */
export interface BuildRow {
  readonly id: string;
  readonly projection: string;
  readonly version: number;
  readonly schema: string;
  readonly tables: readonly TableSpec[];
  readonly whole: boolean;
  readonly state: BuildState;
  readonly epoch: bigint;
  readonly finished: boolean;
  readonly replaced: string | null;
  /** The version that serves since it was rolled back; null for one that was not. */
  readonly rolledBackTo: number | null;
}

const idShape = /^[a-z][a-z0-9-]{2,40}$/;
const columns = 'build, projection, version, schema_name, tables, whole, state, epoch, finished_at IS NOT NULL, replaced, rolled_back_to';

/** `sb-<sandbox>-<projection>`: the builds of one sandbox share a schema. */
const sandboxShape = /^sb-([a-z0-9]+)-/;

export function isOfSandbox(id: string): boolean {
  return sandboxShape.test(id);
}

/** The schema of a build that does not serve. */
export function buildSchema(id: string): string {
  if (!idShape.test(id)) throw buildError('BUILD_UNKNOWN', `"${id}" is no name of a build.`);
  const sandbox = sandboxShape.exec(id)?.[1];
  if (sandbox !== undefined) return `sandbox_${sandbox}`;
  return `build_${id.replaceAll('-', '_')}`;
}

export function buildError(code: string, message: string): OperatingError {
  return new OperatingError(message, { code, retryable: false });
}

export function unknownBuild(id: string): OperatingError {
  return buildError('BUILD_UNKNOWN', `There is no build ${id}, or it was dropped.`);
}

export function fencedBuild(id: string): OperatingError {
  return buildError('BUILD_FENCED', `The build ${id} has moved on, or a newer owner works on it.`);
}

function rowOf([id, projection, version, schema, tables, whole, state, epoch, finished, replaced, rolledBackTo]: TextRow): BuildRow {
  return {
    id: id ?? '',
    projection: projection ?? '',
    version: Number(version),
    schema: schema ?? '',
    tables: JSON.parse(tables ?? '[]') as readonly TableSpec[],
    whole: whole === 't',
    state: state as BuildState,
    epoch: BigInt(epoch ?? 0),
    finished: finished === 't',
    replaced: replaced ?? null,
    rolledBackTo: rolledBackTo === null || rolledBackTo === undefined ? null : Number(rolledBackTo),
  };
}

/** Locked until the transaction ends. @throws OperatingError `BUILD_UNKNOWN` */
export async function lockBuild(run: Run, id: string): Promise<BuildRow> {
  const { rows } = await run({ text: `SELECT ${columns} FROM streams.projection_builds WHERE build = $1 FOR UPDATE`, values: [id] });
  if (rows[0] === undefined) throw unknownBuild(id);
  return rowOf(rows[0]);
}

/** The build that one owner works on. @throws OperatingError `BUILD_UNKNOWN`, `BUILD_FENCED`, `BUILD_CHANGED` */
export async function lockClaimed(run: Run, { id, projection, epoch }: BuildClaim): Promise<BuildRow> {
  const build = await lockBuild(run, id);
  if (build.state === 'dropped') throw unknownBuild(id);
  if (build.epoch !== epoch) throw fencedBuild(id);
  checkSame(
    build,
    projection,
    (await run({ text: 'SELECT $1::jsonb = $2::jsonb', values: [JSON.stringify(build.tables), JSON.stringify(projection.tables)] })).rows,
  );
  return build;
}

function checkSame(build: BuildRow, projection: Projection<DomainEvent>, same: readonly TextRow[]): void {
  if (build.projection === projection.name && build.version === projection.version && same[0]?.[0] === 't') return;
  throw buildError(
    'BUILD_CHANGED',
    `The build ${build.id} is of ${build.projection} version ${build.version}, and made by other code than this ${projection.name} version ${projection.version}.`,
  );
}

/** The serving version and its tables; undefined when none serves. */
export async function servingOf(run: Run, projection: string): Promise<{ readonly version: number; readonly tables: readonly TableSpec[] } | undefined> {
  const text = 'SELECT version, tables FROM streams.projection_versions WHERE projection = $1 AND serving';
  const row = (await run({ text, values: [projection] })).rows[0];
  return row === undefined ? undefined : { version: Number(row[0]), tables: JSON.parse(row[1] ?? '[]') as readonly TableSpec[] };
}

/** Where the build stands behind the serving version's checkpoints; `lock` keeps both where they are. */
export async function lackOf(run: Run, build: BuildRow, servingVersion: number, lock: boolean): Promise<readonly BuildMove[]> {
  if (lock) {
    // A partition that nobody claimed yet must not be begun meanwhile, either.
    const fill = `INSERT INTO streams.checkpoints (projection, version, topic, partition, position, epoch)
      SELECT $1, $2, topic, partition, 0, 0 FROM streams.build_positions WHERE build = $3 ORDER BY topic, partition ON CONFLICT DO NOTHING`;
    await run({ text: fill, values: [build.projection, servingVersion, build.id] });
    const hold = 'SELECT FROM streams.checkpoints WHERE projection = $1 AND version = $2 ORDER BY topic, partition FOR UPDATE';
    await run({ text: hold, values: [build.projection, servingVersion] });
  }
  const text = `SELECT mine.topic, mine.partition, mine.position, live.position FROM streams.build_positions AS mine
    JOIN streams.checkpoints AS live ON live.projection = $2 AND live.version = $3 AND live.topic = mine.topic AND live.partition = mine.partition
    WHERE mine.build = $1 AND live.position > mine.position ORDER BY mine.topic, mine.partition`;
  const { rows } = await run({ text, values: [build.id, build.projection, servingVersion] });
  return rows.map(([topic, partition, from, to]) => ({ topic: topic ?? '', partition: Number(partition), from: BigInt(from ?? 0), to: BigInt(to ?? 0) }));
}

/** Writes rows and moves positions within an open transaction. */
export async function foldIn(
  run: Run,
  build: BuildRow,
  projection: Projection<DomainEvent>,
  moves: readonly BuildMove[],
  changes: readonly RowChange[],
): Promise<void> {
  for (const batch of changeBatches(projection, changes)) await run({ text: upsertSql(build.schema, batch.table, batch), values: upsertValues(batch) });
  const array = (of: (move: BuildMove) => unknown): string => textArray(moves.map((move) => String(of(move))));
  const text = `UPDATE streams.build_positions AS mine SET position = move.position
    FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS move (topic, partition, position)
    WHERE mine.build = $1 AND mine.topic = move.topic AND mine.partition = move.partition`;
  await run({ text, values: [build.id, array(({ topic }) => topic), array(({ partition }) => partition), array(({ to }) => to)] });
}

const viewColumns = `mine.build, mine.projection, mine.version, mine.state, mine.whole, mine.finished_at IS NOT NULL, mine.replaced,
  (extract(epoch FROM mine.made_at) * 1000)::bigint, (extract(epoch FROM mine.kept_at) * 1000)::bigint, mine.progress,
  (SELECT json_agg(json_build_array(at.topic, at.partition, at.first::text, at.position::text, at.skipped, at.poisoned) ORDER BY at.topic, at.partition)
    FROM streams.build_positions AS at WHERE at.build = mine.build)`;

export const showSql = `SELECT ${viewColumns}, mine.difference FROM streams.projection_builds AS mine WHERE mine.build = $1`;
export const amongSql = `SELECT ${viewColumns}, NULL FROM streams.projection_builds AS mine WHERE mine.build = ANY ($1::text[])`;
export const listSql = `SELECT ${viewColumns}, NULL FROM streams.projection_builds AS mine
  WHERE $1::text IS NULL OR mine.projection = $1 ORDER BY mine.made_at DESC, mine.build DESC LIMIT 1000`;

export function buildViewOf(row: TextRow): BuildView {
  const [id, projection, version, state, whole, finished, replaced, madeAtMs, keptAtMs, progress, positions, difference] = row;
  const places = JSON.parse(positions ?? '[]') as ReadonlyArray<readonly [string, number, string, string, number, readonly PoisonedPlace[]]>;
  return {
    id: id ?? '',
    projection: projection ?? '',
    version: Number(version),
    state: state as BuildState,
    whole: whole === 't',
    finished: finished === 't',
    replaced: replaced ?? null,
    madeAtMs: Number(madeAtMs),
    keptAtMs: keptAtMs === null || keptAtMs === undefined ? null : Number(keptAtMs),
    progress: JSON.parse(progress ?? 'null') as BuildProgress | null,
    difference: JSON.parse(difference ?? 'null') as ModelDifference | null,
    positions:
      state === 'building'
        ? places.map(([topic, partition, first, position, skipped, poisoned]): BuildPosition => ({
            ...{ topic, partition, first: BigInt(first), position: BigInt(position), skipped },
            poisoned: poisoned.slice(0, poisonedMax),
          }))
        : [],
  };
}

export function mainSchema({ projection, version }: Pick<BuildRow, 'projection' | 'version'>): string {
  return schemaOf({ name: projection, version });
}
