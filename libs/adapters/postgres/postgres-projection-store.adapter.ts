import type { DomainEvent } from '#events';
import { assert, foldChanges, OperatingError, type Projection, type RowChange, type TableSpec } from '#kernel';
import { ProjectionStore, type CheckpointView, type ProjectionCommit, type ProjectionPartition } from '#ports';
import { textArray } from './array-literal.ts';
import { changeBatches, copyData, upsertValues, type ChangeBatch } from './change-batch.ts';
import { sqlState } from './database-errors.ts';
import type { Database, TextRow } from './database.ts';
import { NewRowsGuess } from './new-rows-guess.ts';
import type { Step } from './pipeline.ts';
import { ensureSchema } from './projection-schema.ts';
import { copySql, schemaOf, upsertSql } from './table-sql.ts';

/** A table is written with few sets of columns; should there be many, the rest is planned anew each time. */
const preparedMax = 256;

/** SQLSTATE of a unique violation: a row that was copied as new is there. */
const rowIsThere = '23505';
/** SQLSTATE of a division by zero: how a statement that moved too few checkpoints stops those that are sent behind it. */
const notMoved = '22012';

/** Read models: a schema per projection and version, written by one upsert per table and batch. */
export class PostgresProjectionStore extends ProjectionStore {
  readonly #database: Database;
  readonly #statements = new Map<string, Step>();
  readonly #guesses = new Map<string, NewRowsGuess>();

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async ensure(projection: Projection<DomainEvent>): Promise<void> {
    await ensureSchema(this.#database, projection);
  }

  override async claim(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint): Promise<bigint> {
    const text = `
      INSERT INTO streams.checkpoints AS mine (projection, version, topic, partition, position, epoch) VALUES ($1, $2, $3, $4, 0, $5)
      ON CONFLICT (projection, version, topic, partition) DO UPDATE SET epoch = excluded.epoch WHERE mine.epoch <= excluded.epoch
      RETURNING position`;
    const { rows } = await this.#database.read({ name: 'claim_checkpoint', text, values: [...placeOf(projection, at), String(epoch)] });
    if (rows[0] === undefined) throw fenced(projection, at);
    return BigInt(rows[0][0] ?? 0);
  }

  override async commit(commit: ProjectionCommit): Promise<void> {
    const { projection, at, from, to, epoch, changes } = commit;
    assert(to >= from, 'a checkpoint never goes back');
    const move = { ...moveCheckpoint(from), values: [...placeOf(projection, at), from, to, epoch].map(String) };
    await this.#write(projection, move, at, changes);
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
    await this.#write(projection, moveCheckpoints(projection, commits), first.at, changes);
  }

  /**
   * Moves checkpoints and writes rows, in one transaction. The checkpoints first, so that of two owners the second waits
   * there and not with half of the rows locked. Batches that look like new rows are copied; if some of their rows are
   * there after all, nothing was written, and the transaction is done again with an upsert in place of that copy.
   */
  async #write(projection: Projection<DomainEvent>, move: Step, at: ProjectionPartition, changes: readonly RowChange[]): Promise<void> {
    // Everything that can fail in here fails before the database is asked.
    const batches = changeBatches(projection, changes);
    const copied = new Set(batches.filter(({ table, changes: { length } }) => this.#guessFor(projection, table).ask(length)));
    for (;;) {
      const steps = batches.map((batch) => (copied.has(batch) ? this.#copy(projection, batch) : this.#upsert(projection, batch)));
      const failure = await this.#database.atomically([move, ...steps]);
      if (failure === undefined) break;
      const batch = batches[failure.step - 1];
      if (failure.step === 0 && sqlState(failure.error) === notMoved) throw fenced(projection, at);
      if (batch === undefined || sqlState(failure.error) !== rowIsThere || !copied.delete(batch)) throw failure.error;
      this.#guessFor(projection, batch.table).wasWrong();
    }
    for (const { table } of copied) this.#guessFor(projection, table).wasRight();
  }

  override async checkpoints(projection?: string): Promise<readonly CheckpointView[]> {
    const text = `
      SELECT projection, version, topic, partition, position, epoch, (extract(epoch FROM moved_at) * 1000)::bigint
      FROM streams.checkpoints WHERE $1::text IS NULL OR projection = $1 ORDER BY 1, 2, 3, 4`;
    const { rows } = await this.#database.read({ name: 'list_checkpoints', text, values: [projection ?? null] });
    return rows.map(checkpointOf);
  }

  override async reset(projection: Projection<DomainEvent>): Promise<void> {
    const schema = schemaOf(projection);
    await this.#database.transaction(async (run) => {
      // Owners under way hold their checkpoint first and their tables second; so does this.
      const where = 'projection = $1 AND version = $2';
      await run({ text: `SELECT FROM streams.checkpoints WHERE ${where} ORDER BY topic, partition FOR UPDATE`, values: [projection.name, projection.version] });
      await run({
        text: `UPDATE streams.checkpoints SET position = 0, moved_at = clock_timestamp() WHERE ${where}`,
        values: [projection.name, projection.version],
      });
      await run({ text: `TRUNCATE ${projection.tables.map(({ name }) => `${schema}."${name}"`).join(', ')}` });
    });
  }

  #upsert(projection: Projection<DomainEvent>, batch: ChangeBatch): Step {
    return { ...this.#statement('upsert', projection, batch, upsertSql), values: upsertValues(batch) };
  }

  #copy(projection: Projection<DomainEvent>, batch: ChangeBatch): Step {
    return { ...this.#statement('copy', projection, batch, copySql), copy: copyData(batch) };
  }

  #statement(verb: string, projection: Projection<DomainEvent>, { table, columns, stamps }: ChangeBatch, sql: typeof upsertSql): Step {
    const id = `${verb}/${projection.name}/${projection.version}/${table.name}/${columns.join()}`;
    let statement = this.#statements.get(id);
    if (statement === undefined) {
      const isRoom = this.#statements.size < preparedMax;
      // The statement without a name is one that every connection prepares anew.
      statement = { name: isRoom ? `${verb}_${this.#statements.size}` : '', text: sql(schemaOf(projection), table, { columns, stamps }) };
      if (isRoom) this.#statements.set(id, statement);
    }
    return statement;
  }

  #guessFor(projection: Projection<DomainEvent>, table: TableSpec): NewRowsGuess {
    const id = `${schemaOf(projection)}.${table.name}`;
    const guess = this.#guesses.get(id) ?? new NewRowsGuess();
    this.#guesses.set(id, guess);
    return guess;
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
    WHERE projection = $1 AND version = $2 AND topic = $3 AND partition = $4 AND position = $5::bigint AND epoch <= $7::bigint RETURNING 1)`,
);

/** A checkpoint that nobody claimed yet stands at 0. */
const beginSql = movingExactly(
  '1',
  `done AS (INSERT INTO streams.checkpoints AS mine (projection, version, topic, partition, position, epoch) VALUES ($1, $2, $3, $4, $6::bigint, $7::bigint)
    ON CONFLICT (projection, version, topic, partition) DO UPDATE SET ${setMoved} WHERE mine.position = $5::bigint AND mine.epoch <= $7::bigint RETURNING 1)`,
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
    WHERE mine.projection = $1 AND mine.version = $2 AND mine.position = move.position AND mine.epoch <= move.epoch
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
