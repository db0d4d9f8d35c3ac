import { OperatingError, type TableSpec } from '#kernel';
import { checkQuery, ReadStore, rowsFor, type ReadQuery, type ReadRow, type ReadSnapshot } from '#ports';
import type { MemoryProjectionStore } from './memory-projection-store.adapter.ts';

/** Reads what a {@link MemoryProjectionStore} holds. */
export class MemoryReadStore extends ReadStore {
  readonly #store: MemoryProjectionStore;

  constructor(store: MemoryProjectionStore) {
    super();
    this.#store = store;
  }

  override async select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    checkQuery(table, query);
    const stored = this.#store.serving(table);
    if (stored === undefined) throw new OperatingError(`No projection serves the table ${table.name}.`, { code: 'TABLE_UNKNOWN', retryable: false });
    return structuredClone(rowsFor(table, query, stored));
  }

  /** Nothing else runs between the two: neither waits. */
  override async snapshot(projection: string, table: TableSpec, query: ReadQuery): Promise<ReadSnapshot> {
    const rows = this.select(table, query);
    const version = this.#store.servingVersion(projection);
    const checkpoints = this.#store.checkpointsNow(projection).filter((one) => one.version === version);
    return {
      rows: await rows,
      version,
      serving: this.#store.servingName(projection),
      checkpoints: checkpoints.map(({ topic, partition, position }) => ({ topic, partition, position })),
    };
  }
}
