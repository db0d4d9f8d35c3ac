import type { DomainEvent } from '#events';
import { assert, foldChanges, OperatingError, type Projection, type RowChange } from '#kernel';
import { ProjectionStore, type CheckpointView, type ProjectionCommit, type ProjectionPartition, type RedriveCommit } from '#ports';
import { textArray } from './array-literal.ts';
import { sqlState } from './database-errors.ts';
import type { Database, TextRow } from './database.ts';
import { holdSteps, redriveSteps } from './parked/parked-steps.ts';
import type { Step } from './pipeline.ts';
import { ensureSchema } from './projection-schema.ts';
import { RowWriter } from './row-writer.ts';
import { schemaOf } from './table-sql.ts';

/** SQLSTATE of a division by zero: how a statement that moved too few checkpoints stops those that are sent behind it. */
const notMoved = '22012';

/** Read models: a schema per projection and version, written by one upsert per table and batch. */
export class PostgresProjectionStore extends ProjectionStore {
  readonly #database: Database;
  readonly #rows: RowWriter;

  constructor(database: Database) {
    super();
    this.#database = database;
    this.#rows = new RowWriter(database, { prepared: true });
  }

  override ensure(projection: Projection<DomainEvent>): Promise<boolean> {
    return ensureSchema(this.#database, projection);
  }

  override async claim(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint): Promise<bigint> {
    const text = `
      INSERT INTO streams.checkpoints AS mine (projection, version, topic, partition, position, epoch) VALUES ($1, $2, $3, $4, 0, $5)
      ON CONFLICT (projection, version, topic, partition) DO UPDATE SET epoch = excluded.epoch, switched = false WHERE mine.epoch <= excluded.epoch
      RETURNING position`;
    const { rows } = await this.#database.read({ name: 'claim_checkpoint', text, values: [...placeOf(projection, at), String(epoch)] });
    if (rows[0] === undefined) throw fenced(projection, at);
    return BigInt(rows[0][0] ?? 0);
  }

  override async begin(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint, first: bigint): Promise<void> {
    const text = `UPDATE streams.checkpoints SET first = $6
      WHERE projection = $1 AND version = $2 AND topic = $3 AND partition = $4 AND position = 0 AND epoch <= $5 AND NOT switched RETURNING 1`;
    const { rows } = await this.#database.read({ name: 'begin_rows', text, values: [...placeOf(projection, at), String(epoch), String(first)] });
    if (rows[0] === undefined) throw fenced(projection, at);
  }

  override async commit(commit: ProjectionCommit): Promise<void> {
    const { projection, at, from, to, epoch, changes } = commit;
    assert(to >= from, 'a checkpoint never goes back');
    const move = { ...moveCheckpoint(from), values: [...placeOf(projection, at), from, to, epoch].map(String) };
    await this.#write(projection, [move, ...holdSteps([commit])], at, changes);
  }

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    const [first] = commits;
    if (first === undefined) return;
    if (commits.length === 1) return this.commit(first);
    const { projection } = first;
    assert(
      commits.every((commit) => commit.projection === projection && commit.to >= commit.from),
      'one projection, and no checkpoint goes back',
    );
    // A row may be touched by two partitions, but only once by one statement.
    const changes = foldChanges(
      projection.tables,
      commits.flatMap((commit) => commit.changes),
    );
    await this.#write(projection, [moveCheckpoints(projection, commits), ...holdSteps(commits)], first.at, changes);
  }

  override async redrive(commit: RedriveCommit): Promise<void> {
    await this.#write(commit.projection, redriveSteps(commit), commit.at, commit.changes);
  }

  override async checkpoints(projection?: string): Promise<readonly CheckpointView[]> {
    const text = `
      SELECT projection, version, topic, partition, position, epoch, (extract(epoch FROM moved_at) * 1000)::bigint
      FROM streams.checkpoints WHERE $1::text IS NULL OR projection = $1 ORDER BY 1, 2, 3, 4`;
    const { rows } = await this.#database.read({ name: 'list_checkpoints', text, values: [projection ?? null] });
    return rows.map(checkpointOf);
  }

  override async boundLog(): Promise<string | undefined> {
    const { rows } = await this.#database.read({ text: 'SELECT log FROM streams.bound_log' });
    return rows[0]?.[0] ?? undefined;
  }

  override async bindLog(log: string): Promise<string> {
    await this.#database.read({ text: 'INSERT INTO streams.bound_log (log) VALUES ($1) ON CONFLICT DO NOTHING', values: [log] });
    return (await this.boundLog()) ?? log;
  }

  override async reset(projection: Projection<DomainEvent>): Promise<void> {
    const schema = schemaOf(projection);
    await this.#database.transaction(async (run) => {
      // Owners under way hold their checkpoint first and their tables second; so does this.
      const where = 'projection = $1 AND version = $2';
      await run({ text: `SELECT FROM streams.checkpoints WHERE ${where} ORDER BY topic, partition FOR UPDATE`, values: [projection.name, projection.version] });
      await run({
        text: `UPDATE streams.checkpoints SET position = 0, first = 0, switched = true, moved_at = clock_timestamp() WHERE ${where}`,
        values: [projection.name, projection.version],
      });
      await run({ text: `DELETE FROM streams.parked_events WHERE ${where} AND shelf = ''`, values: [projection.name, projection.version] });
      await run({ text: `TRUNCATE ${projection.tables.map(({ name }) => `${schema}."${name}"`).join(', ')}` });
    });
  }

  /** Moves checkpoints and writes rows, in one transaction. The checkpoints first, so that of two owners the second waits there. */
  async #write(projection: Projection<DomainEvent>, first: readonly Step[], at: ProjectionPartition, changes: readonly RowChange[]): Promise<void> {
    const failure = await this.#rows.write({ schema: schemaOf(projection), projection, first, changes });
    if (failure === undefined) return;
    throw failure.step < first.length && sqlState(failure.error) === notMoved ? fenced(projection, at) : failure.error;
  }
}

function placeOf(projection: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): readonly unknown[] {
  return [projection.name, projection.version, topic, partition];
}

/** A statement that moves `count` checkpoints, or fails with {@link notMoved}. */
function movingExactly(count: string, move: string): string {
  return `WITH ${move}, moved AS (SELECT count(*) AS count FROM done) SELECT 1 / (count = ${count})::integer FROM moved`;
}

const setMoved = 'position = $6::bigint, epoch = $7::bigint, moved_at = clock_timestamp()';

/** The compare-and-swap. */
const moveSql = movingExactly(
  '1',
  `done AS (UPDATE streams.checkpoints SET ${setMoved}
    WHERE projection = $1 AND version = $2 AND topic = $3 AND partition = $4 AND position = $5::bigint AND epoch <= $7::bigint AND NOT switched RETURNING 1)`,
);

/** A checkpoint that nobody claimed yet stands at 0. */
const beginSql = movingExactly(
  '1',
  `done AS (INSERT INTO streams.checkpoints AS mine (projection, version, topic, partition, position, epoch) VALUES ($1, $2, $3, $4, $6::bigint, $7::bigint)
    ON CONFLICT (projection, version, topic, partition) DO UPDATE SET ${setMoved} WHERE mine.position = $5::bigint AND mine.epoch <= $7::bigint AND NOT mine.switched RETURNING 1)`,
);

function moveCheckpoint(from: bigint): Step {
  return from > 0n ? { name: 'move_checkpoint', text: moveSql } : { name: 'begin_checkpoint', text: beginSql };
}

/** The compare-and-swap of many checkpoints; locked in the order of the key, as every writer locks them. */
const moveManySql = movingExactly(
  '$8::bigint',
  `move AS (SELECT * FROM unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[]) AS move (topic, partition, position, next, epoch)),
  held AS (
    SELECT mine.topic, mine.partition, move.next, move.epoch FROM streams.checkpoints AS mine JOIN move USING (topic, partition)
    WHERE mine.projection = $1 AND mine.version = $2 AND mine.position = move.position AND mine.epoch <= move.epoch AND NOT mine.switched
    ORDER BY mine.topic, mine.partition FOR UPDATE OF mine),
  done AS (
    UPDATE streams.checkpoints AS mine SET position = held.next, epoch = held.epoch, moved_at = clock_timestamp() FROM held
    WHERE mine.projection = $1 AND mine.version = $2 AND mine.topic = held.topic AND mine.partition = held.partition RETURNING 1)`,
);

function moveCheckpoints({ name, version }: Projection<DomainEvent>, commits: readonly ProjectionCommit[]): Step {
  const array = (of: (commit: ProjectionCommit) => unknown): string => textArray(commits.map((commit) => String(of(commit))));
  const places = [array(({ at }) => at.topic), array(({ at }) => at.partition)];
  const moves = [array(({ from }) => from), array(({ to }) => to), array(({ epoch }) => epoch)];
  return { name: 'move_checkpoints', text: moveManySql, values: [name, String(version), ...places, ...moves, String(commits.length)] };
}

function fenced({ name }: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): OperatingError {
  return new OperatingError(`The checkpoint of ${name} at ${topic}/${partition} has moved on, or a newer owner has claimed it.`, {
    code: 'CHECKPOINT_FENCED',
    retryable: false,
  });
}

function checkpointOf([projection, version, topic, partition, position, epoch, movedAtMs]: TextRow): CheckpointView {
  return {
    projection: projection ?? '',
    version: Number(version),
    topic: topic ?? '',
    partition: Number(partition),
    position: BigInt(position ?? 0),
    epoch: BigInt(epoch ?? 0),
    movedAtMs: Number(movedAtMs),
  };
}
