import type { TableSpec } from '#kernel';
import {
  poisonedMax,
  ProjectionBuilds,
  type BuildClaim,
  type BuildLoad,
  type BuildStep,
  type BuildProgress,
  type BuildView,
  type Compare,
  type ModelDifference,
  type ModelSwitch,
  type NewBuild,
  type Promote,
  type ReadStore,
  type TableDifference,
  type VersionView,
} from '#ports';
import { textArray } from '../array-literal.ts';
import { sqlState } from '../database-errors.ts';
import type { Database } from '../database.ts';
import type { Step } from '../pipeline.ts';
import { PostgresReadStore } from '../postgres-read-store.adapter.ts';
import { RowWriter } from '../row-writer.ts';
import { checkProjection, createTableSql } from '../table-sql.ts';
import {
  amongSql,
  buildError,
  buildSchema,
  buildViewOf,
  fencedBuild,
  foldIn,
  isOfSandbox,
  lackOf,
  listSql,
  lockBuild,
  lockClaimed,
  mainSchema,
  servingOf,
  showSql,
  unknownBuild,
  type BuildRow,
  type Run,
} from './build-rows.ts';
import { compareTables } from './compare-sql.ts';
import { promoteBuild, rollBackBuild } from './model-switch.ts';

/** SQLSTATE of a division by zero: how the statement that moves positions stops those behind it. */
const notMoved = '22012';
/** Indexes of a large model take their time, and nobody waits behind them. */
const indexTimeoutMs = 3_600_000;

/** Moves the positions of a build, all of them, or fails with {@link notMoved}. The build's row is locked first: it is the fence, and lets one load write at a time, so that live commits have the other core. */
const moveSql = `
  WITH held AS (SELECT FROM streams.projection_builds WHERE build = $1 AND epoch = $2::bigint AND state = 'building' FOR UPDATE),
  done AS (
    UPDATE streams.build_positions AS mine SET position = move.next, skipped = mine.skipped + move.skipped,
      poisoned = CASE WHEN jsonb_array_length(mine.poisoned) < ${poisonedMax} THEN mine.poisoned || move.poisoned::jsonb ELSE mine.poisoned END
    FROM unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[]) AS move (topic, partition, position, next, skipped, poisoned)
    WHERE mine.build = $1 AND mine.topic = move.topic AND mine.partition = move.partition AND mine.position = move.position
      AND EXISTS (SELECT FROM held) RETURNING 1),
  moved AS (SELECT count(*) AS count FROM done)
  SELECT 1 / (count = $9::bigint)::integer FROM moved`;

/** Builds in schemas of their own, `build_…`. */
export class PostgresProjectionBuilds extends ProjectionBuilds {
  readonly #database: Database;
  readonly #rows: RowWriter;

  constructor(database: Database) {
    super();
    this.#database = database;
    this.#rows = new RowWriter(database, { prepared: false });
  }

  override async create(build: NewBuild): Promise<BuildView> {
    const { id, projection, epoch, starts, whole } = build;
    checkProjection(projection);
    const schema = buildSchema(id);
    await this.#database.transaction(async (run) => {
      const insert = `INSERT INTO streams.projection_builds (build, projection, version, schema_name, tables, whole, state, epoch)
        VALUES ($1, $2, $3, $4, $5, $6, 'building', $7) ON CONFLICT DO NOTHING`;
      const values = [id, projection.name, projection.version, schema, JSON.stringify(projection.tables), whole, String(epoch)];
      if ((await run({ text: insert, values })).count === 0) return claim(run, build);
      // Those of one sandbox share theirs: the name of a build, which is taken once, keeps their tables apart.
      await run({ text: `CREATE SCHEMA IF NOT EXISTS ${schema}` });
      for (const table of projection.tables) await run({ text: createTableSql(schema, table)[0] as string });
      const array = (of: (at: (typeof starts)[number]) => unknown): string => textArray(starts.map((at) => String(of(at))));
      await run({
        text: `INSERT INTO streams.build_positions SELECT $1, topic, partition, first, first
          FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS start (topic, partition, first)`,
        values: [id, array(({ topic }) => topic), array(({ partition }) => partition), array(({ first }) => first)],
      });
    });
    return (await this.show(id)) as BuildView;
  }

  override async load({ id, projection, epoch, moves, changes }: BuildLoad): Promise<void> {
    const failure = await this.#rows.write({ schema: buildSchema(id), projection, first: [moveStep(id, epoch, moves)], changes });
    if (failure === undefined) return;
    throw failure.step === 0 && sqlState(failure.error) === notMoved ? fencedBuild(id) : failure.error;
  }

  override async finish(claimed: BuildClaim): Promise<void> {
    await this.#database.transaction(async (run) => {
      const build = await lockClaimed(run, claimed);
      if (build.finished || build.state !== 'building') return;
      await run({ text: `SET LOCAL statement_timeout = ${indexTimeoutMs}` });
      for (const table of claimed.projection.tables) {
        for (const text of createTableSql(build.schema, table).slice(1)) await run({ text, timeoutMs: indexTimeoutMs });
        await run({ text: `ANALYZE ${build.schema}."${table.name}"`, timeoutMs: indexTimeoutMs });
      }
      await run({ text: 'UPDATE streams.projection_builds SET finished_at = clock_timestamp() WHERE build = $1', values: [build.id] });
    });
  }

  override async note({ id, epoch }: BuildClaim, progress: BuildProgress): Promise<void> {
    const text = 'UPDATE streams.projection_builds SET progress = $3 WHERE build = $1 AND epoch = $2';
    await this.#database.run({ text, values: [id, String(epoch), JSON.stringify(progress)] });
  }

  override promote(promotion: Promote): Promise<ModelSwitch> {
    return this.#database.transaction((run) => promoteBuild(run, promotion));
  }

  override rollBack(id: string): Promise<ModelSwitch> {
    return this.#database.transaction((run) => rollBackBuild(run, id));
  }

  override async compare(comparison: Compare): Promise<ModelDifference> {
    return this.#database.transaction(async (run) => {
      await run({ text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ' });
      await run({ text: 'SET LOCAL statement_timeout = 600000' });
      const build = await lockClaimed(run, comparison);
      const serving = await requireServing(run, build);
      const moves = build.whole ? await lackOf(run, build, serving.version, false) : [];
      if (moves.length > 0) await foldIn(run, build, comparison.projection, moves, await comparison.fold(moves));
      const difference = await differenceOf(run, build, serving, comparison.samplesMax);
      await run({ text: 'UPDATE streams.projection_builds SET difference = $2 WHERE build = $1', values: [build.id, JSON.stringify(difference)] });
      return difference;
    });
  }

  override difference(id: string, samplesMax: number): Promise<ModelDifference> {
    return this.#database.transaction(async (run) => {
      await run({ text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ' });
      await run({ text: 'SET LOCAL statement_timeout = 600000' });
      const build = await lockBuild(run, id);
      if (build.state === 'dropped') throw unknownBuild(id);
      return differenceOf(run, build, await requireServing(run, build), samplesMax);
    });
  }

  override reads(id: string): ReadStore {
    return new PostgresReadStore(this.#database, { schema: buildSchema(id), build: id });
  }

  override async forget(id: string): Promise<void> {
    await this.drop(id);
    await this.#database.run({ text: `DELETE FROM streams.projection_builds WHERE build = $1 AND state = 'dropped'`, values: [id] });
  }

  override async drop(id: string): Promise<void> {
    await this.#database.transaction(async (run) => {
      const { rows } = await run({ text: 'SELECT state FROM streams.projection_builds WHERE build = $1 FOR UPDATE', values: [id] });
      if (rows[0] === undefined || rows[0][0] === 'dropped') return;
      const build = await lockBuild(run, id);
      if (build.state === 'serving') throw buildError('BUILD_FENCED', `The build ${id} serves; it is not dropped.`);
      await dropTables(run, build);
    });
  }

  override async expire(keptBeforeMs: number): Promise<readonly string[]> {
    const text = `SELECT build FROM streams.projection_builds WHERE state = 'kept' AND kept_at < to_timestamp($1::double precision / 1000)`;
    const ids = (await this.#database.run({ text, values: [keptBeforeMs] })).rows.map(([id]) => id ?? '');
    for (const id of ids) await this.drop(id);
    return ids;
  }

  override async show(id: string): Promise<BuildView | undefined> {
    const row = (await this.#database.read({ text: showSql, values: [id] })).rows[0];
    return row === undefined ? undefined : buildViewOf(row);
  }

  override async list(projection?: string): Promise<readonly BuildView[]> {
    return (await this.#database.read({ text: listSql, values: [projection ?? null] })).rows.map(buildViewOf);
  }

  override async among(ids: readonly string[]): Promise<readonly BuildView[]> {
    return ids.length === 0 ? [] : (await this.#database.read({ text: amongSql, values: [textArray(ids)] })).rows.map(buildViewOf);
  }

  override async versions(): Promise<readonly VersionView[]> {
    const text = `SELECT projection, version, serving,
        (SELECT json_agg(json_build_array(at.topic, at.partition, at.first::text) ORDER BY at.topic, at.partition)
          FROM streams.checkpoints AS at WHERE at.projection = one.projection AND at.version = one.version AND at.first > 0)
      FROM streams.projection_versions AS one ORDER BY 1, 2`;
    const { rows } = await this.#database.read({ text });
    return rows.map(([projection, version, serving, begins]) => ({
      projection: projection ?? '',
      version: Number(version),
      serving: serving === 't',
      begins: (JSON.parse(begins ?? '[]') as Array<[string, number, string]>).map(([topic, partition, first]) => ({ topic, partition, first: BigInt(first) })),
    }));
  }
}

/** A build that is there goes over to the newer owner. */
async function claim(run: Run, build: NewBuild): Promise<void> {
  const found = await lockBuild(run, build.id);
  if (found.epoch > build.epoch) throw fencedBuild(build.id);
  await run({ text: 'UPDATE streams.projection_builds SET epoch = $2 WHERE build = $1', values: [build.id, String(build.epoch)] });
  await lockClaimed(run, build);
}

interface Serving {
  readonly version: number;
  readonly tables: readonly TableSpec[];
}

async function requireServing(run: Run, { projection }: BuildRow): Promise<Serving> {
  const serving = await servingOf(run, projection);
  if (serving === undefined) throw buildError('BUILD_NOT_SERVING', `No version of ${projection} serves, so there is nothing to compare with.`);
  return serving;
}

async function differenceOf(run: Run, build: BuildRow, serving: Serving, samplesMax: number): Promise<ModelDifference> {
  const schema = mainSchema({ projection: build.projection, version: serving.version });
  const tables: TableDifference[] = [];
  for (const table of build.tables) {
    const other = serving.tables.find(({ name }) => name === table.name);
    if (other === undefined) continue;
    tables.push(await compareTables(run, { serving: { schema, table: other }, rebuilt: { schema: build.schema, table } }, samplesMax));
  }
  return {
    ...{ servingVersion: serving.version, rebuiltVersion: build.version, comparedAtMs: Date.now(), tables },
    ...verdictOn(serving.tables, build.tables, tables),
  };
}

function moveStep(id: string, epoch: bigint, moves: readonly BuildStep[]): Step {
  const array = (of: (move: BuildStep) => unknown): string => textArray(moves.map((move) => String(of(move))));
  const places = [array(({ topic }) => topic), array(({ partition }) => partition), array(({ from }) => from), array(({ to }) => to)];
  const passed = [array(({ skipped }) => skipped), array(({ poisoned }) => JSON.stringify(poisoned))];
  return { name: 'move_build', text: moveSql, values: [id, String(epoch), ...places, ...passed, String(moves.length)] };
}

function verdictOn(
  serving: readonly TableSpec[],
  rebuilt: readonly TableSpec[],
  compared: readonly TableDifference[],
): Pick<ModelDifference, 'equal' | 'tablesOnlyServing' | 'tablesOnlyRebuilt'> {
  const only = (some: readonly TableSpec[], others: readonly TableSpec[]): readonly string[] =>
    some.map(({ name }) => name).filter((name) => !others.some((other) => other.name === name));
  const [tablesOnlyServing, tablesOnlyRebuilt] = [only(serving, rebuilt), only(rebuilt, serving)];
  const same = compared.every(
    ({ added, removed, changed, onlyServing, onlyRebuilt }) => added + removed + changed + onlyServing.length + onlyRebuilt.length === 0,
  );
  return { equal: same && tablesOnlyServing.length + tablesOnlyRebuilt.length === 0, tablesOnlyServing, tablesOnlyRebuilt };
}

async function dropTables(run: Run, build: BuildRow): Promise<void> {
  if (isOfSandbox(build.id)) {
    for (const { name } of build.tables) await run({ text: `DROP TABLE IF EXISTS ${build.schema}."${name}"` });
    const others = await run({
      text: `SELECT FROM streams.projection_builds WHERE schema_name = $1 AND build <> $2 AND state <> 'dropped'`,
      values: [build.schema, build.id],
    });
    if (others.count === 0) await run({ text: `DROP SCHEMA IF EXISTS ${build.schema}` });
  } else await run({ text: `DROP SCHEMA IF EXISTS ${build.schema} CASCADE` });
  await run({ text: 'DELETE FROM streams.build_positions WHERE build = $1', values: [build.id] });
  await run({ text: 'DELETE FROM streams.parked_events WHERE shelf = $1', values: [build.id] });
  await run({ text: `UPDATE streams.projection_builds SET state = 'dropped' WHERE build = $1`, values: [build.id] });
  if (build.schema !== mainSchema(build)) return;
  // It stood in the schema of its version, which is gone with it.
  for (const table of ['checkpoints', 'parked_events', 'projection_versions'])
    await run({ text: `DELETE FROM streams.${table} WHERE projection = $1 AND version = $2`, values: [build.projection, build.version] });
}
