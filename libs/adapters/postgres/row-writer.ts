import type { DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { changeBatches, copyData, upsertValues, type ChangeBatch } from './change-batch.ts';
import { sqlState } from './database-errors.ts';
import type { Database, StepFailure } from './database.ts';
import { NewRowsGuess } from './new-rows-guess.ts';
import type { Step } from './pipeline.ts';
import { copySql, upsertSql } from './table-sql.ts';

/** A table is written with few sets of columns; should there be many, the rest is planned anew each time. */
const preparedMax = 256;

/** SQLSTATE of a unique violation: a row that was copied as new is there. */
const rowIsThere = '23505';

export interface RowWrite {
  readonly schema: string;
  readonly projection: Projection<DomainEvent>;
  /** Stand before the rows in the same transaction, and stop it by failing. */
  readonly first: readonly Step[];
  readonly changes: readonly RowChange[];
}

/** Writes the rows of projections, each table by one COPY or one upsert. */
export class RowWriter {
  readonly #database: Database;
  readonly #prepared: boolean;
  readonly #statements = new Map<string, Step>();
  readonly #guesses = new Map<string, NewRowsGuess>();

  /** @param init `prepared`: statements are kept by the connections, which pays for schemas that stay. */
  constructor(database: Database, { prepared }: { readonly prepared: boolean }) {
    this.#database = database;
    this.#prepared = prepared;
  }

  /**
   * Does `first` and writes rows, in one transaction. Batches that look like new rows are copied; if some of their rows
   * are there after all, nothing was written, and the transaction is done again with an upsert in place of that copy.
   * @returns what failed, and then nothing was written; undefined when all is committed.
   */
  async write({ schema, projection, first, changes }: RowWrite): Promise<StepFailure | undefined> {
    // Everything that can fail in here fails before the database is asked.
    const batches = changeBatches(projection, changes);
    const copied = new Set(batches.filter(({ table, changes: { length } }) => this.#guessFor(schema, table).ask(length)));
    for (;;) {
      const steps = batches.map((batch) => (copied.has(batch) ? this.#copy(schema, batch) : this.#upsert(schema, batch)));
      const failure = await this.#database.atomically([...first, ...steps]);
      if (failure === undefined) break;
      const batch = batches[failure.step - first.length];
      if (batch === undefined || sqlState(failure.error) !== rowIsThere || !copied.delete(batch)) return failure;
      this.#guessFor(schema, batch.table).wasWrong();
    }
    for (const { table } of copied) this.#guessFor(schema, table).wasRight();
    return undefined;
  }

  #upsert(schema: string, batch: ChangeBatch): Step {
    return { ...this.#statement('upsert', schema, batch, upsertSql), values: upsertValues(batch) };
  }

  #copy(schema: string, batch: ChangeBatch): Step {
    return { ...this.#statement('copy', schema, batch, copySql), copy: copyData(batch) };
  }

  #statement(verb: string, schema: string, { table, columns, stamps }: ChangeBatch, sql: typeof upsertSql): Step {
    const id = `${verb}/${schema}/${table.name}/${columns.join()}`;
    let statement = this.#statements.get(id);
    if (statement === undefined) {
      const isRoom = this.#prepared && this.#statements.size < preparedMax;
      // The statement without a name is one that every connection prepares anew.
      statement = { name: isRoom ? `${verb}_${this.#statements.size}` : '', text: sql(schema, table, { columns, stamps }) };
      if (isRoom) this.#statements.set(id, statement);
    }
    return statement;
  }

  #guessFor(schema: string, table: TableSpec): NewRowsGuess {
    const id = `${schema}.${table.name}`;
    const guess = this.#guesses.get(id) ?? new NewRowsGuess();
    this.#guesses.set(id, guess);
    return guess;
  }
}
