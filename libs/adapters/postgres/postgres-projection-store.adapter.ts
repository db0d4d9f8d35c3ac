import type { DomainEvent } from '#events';
import { assert, foldChanges, OperatingError, type Projection } from '#kernel';
import { ProjectionStore, type CheckpointView, type ProjectionCommit, type ProjectionPartition } from '#ports';
import { changeBatches, type ChangeBatch } from './change-batch.ts';
import type { Database, Statement, TextRow } from './database.ts';
import { ensureSchema } from './projection-schema.ts';
import { schemaOf, upsertSql } from './table-sql.ts';

/** A table is written with few sets of columns; should there be many, the rest is planned anew each time. */
const preparedMax = 256;

/** Read models: a schema per projection and version, written by one upsert per table and batch. */
export class PostgresProjectionStore extends ProjectionStore {
  readonly #database: Database;
  readonly #statements = new Map<string, { readonly text: string; readonly name: string }>();

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
    const { projection, at, from, to, epoch } = commit;
    assert(to >= from, 'a checkpoint never goes back');
    // Everything that can fail in here fails before the database is asked.
    const upserts = changeBatches(projection, commit.changes).map((batch) => this.#upsert(projection, batch));
    await this.#database.transaction(async (run) => {
      // First, so that of two owners the second waits here and not with half of the rows locked.
      const moved = await run({ ...moveCheckpoint(from), values: [...placeOf(projection, at), String(from), String(to), String(epoch)] });
      if (moved.count !== 1) throw fenced(projection, at);
      for (const upsert of upserts) await run(upsert);
    });
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
    const upserts = changeBatches(projection, changes).map((batch) => this.#upsert(projection, batch));
    await this.#database.transaction(async (run) => {
      const moved = await run(moveCheckpoints(projection, commits));
      if (moved.count !== commits.length) throw fenced(projection, first.at);
      for (const upsert of upserts) await run(upsert);
    });
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

  #upsert(projection: Projection<DomainEvent>, { table, columns, stamps, values }: ChangeBatch): Statement {
    const id = `${projection.name}/${projection.version}/${table.name}/${columns.join()}`;
    let statement = this.#statements.get(id);
    if (statement === undefined) {
      statement = { text: upsertSql(schemaOf(projection), table, { columns, stamps }), name: `upsert_${this.#statements.size}` };
      if (this.#statements.size >= preparedMax) return { text: statement.text, values };
      this.#statements.set(id, statement);
    }
    return { ...statement, values };
  }
}

function placeOf(projection: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): readonly unknown[] {
  return [projection.name, projection.version, topic, partition];
}

/** The compare-and-swap. A checkpoint that nobody claimed yet stands at 0. */
function moveCheckpoint(from: bigint): Pick<Statement, 'name' | 'text'> {
  const set = 'position = $6::bigint, epoch = $7::bigint, moved_at = clock_timestamp()';
  if (from > 0n) {
    return {
      name: 'move_checkpoint',
      text: `UPDATE streams.checkpoints SET ${set}
        WHERE projection = $1 AND version = $2 AND topic = $3 AND partition = $4 AND position = $5::bigint AND epoch <= $7::bigint`,
    };
  }
  return {
    name: 'begin_checkpoint',
    text: `INSERT INTO streams.checkpoints AS mine (projection, version, topic, partition, position, epoch) VALUES ($1, $2, $3, $4, $6::bigint, $7::bigint)
      ON CONFLICT (projection, version, topic, partition) DO UPDATE SET ${set} WHERE mine.position = $5::bigint AND mine.epoch <= $7::bigint`,
  };
}

/** The compare-and-swap of many checkpoints; locked in the order of the key, as every writer locks them. */
function moveCheckpoints({ name, version }: Projection<DomainEvent>, commits: readonly ProjectionCommit[]): Statement {
  const array = (values: readonly unknown[]): string => `{${values.join(',')}}`;
  return {
    name: 'move_checkpoints',
    text: `
      WITH move AS (SELECT * FROM unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[]) AS move (topic, partition, position, next, epoch)),
      held AS (
        SELECT mine.topic, mine.partition, move.next, move.epoch FROM streams.checkpoints AS mine JOIN move USING (topic, partition)
        WHERE mine.projection = $1 AND mine.version = $2 AND mine.position = move.position AND mine.epoch <= move.epoch
        ORDER BY mine.topic, mine.partition FOR UPDATE OF mine)
      UPDATE streams.checkpoints AS mine SET position = held.next, epoch = held.epoch, moved_at = clock_timestamp() FROM held
      WHERE mine.projection = $1 AND mine.version = $2 AND mine.topic = held.topic AND mine.partition = held.partition`,
    values: [
      name,
      version,
      commits.map(({ at }) => at.topic),
      array(commits.map(({ at }) => at.partition)),
      array(commits.map(({ from }) => from)),
      array(commits.map(({ to }) => to)),
      array(commits.map(({ epoch }) => epoch)),
    ],
  };
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
