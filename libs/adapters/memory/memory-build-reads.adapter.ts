import { OperatingError, type TableSpec } from '#kernel';
import { checkQuery, ReadStore, rowsFor, type ReadQuery, type ReadRow, type ReadSnapshot } from '#ports';
import type { MemoryPosition } from './memory-projection-store.adapter.ts';
import type { MemoryTables } from './memory-tables.ts';

interface BuiltRows {
  readonly tables: MemoryTables;
  readonly positions: readonly MemoryPosition[];
}

/** Reads the rows of one build. */
export class MemoryBuildReads extends ReadStore {
  readonly #build: () => BuiltRows;

  constructor(build: () => BuiltRows) {
    super();
    this.#build = build;
  }

  override async select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    checkQuery(table, query);
    const { tables } = this.#build();
    if (!tables.projection.tables.some(({ name }) => name === table.name))
      throw new OperatingError(`The build has no table ${table.name}.`, { code: 'TABLE_UNKNOWN', retryable: false });
    return structuredClone(rowsFor(table, query, tables.rows(table)));
  }

  override async snapshot(_projection: string, table: TableSpec, query: ReadQuery): Promise<ReadSnapshot> {
    const { tables, positions } = this.#build();
    return { rows: await this.select(table, query), version: tables.projection.version, serving: 'build', checkpoints: positions };
  }
}
