import { OperatingError, type TableSpec } from '#kernel';
import { checkTotals, ReadTotals, totalsFor, type Total, type TotalsQuery } from '#ports';
import type { MemoryProjectionStore } from './memory-projection-store.adapter.ts';

/** Adds up what a {@link MemoryProjectionStore} holds. */
export class MemoryReadTotals extends ReadTotals {
  readonly #store: MemoryProjectionStore;

  constructor(store: MemoryProjectionStore) {
    super();
    this.#store = store;
  }

  override async totals(table: TableSpec, query: TotalsQuery): Promise<readonly Total[]> {
    checkTotals(table, query);
    const stored = this.#store.serving(table);
    if (stored === undefined) throw new OperatingError(`No projection serves the table ${table.name}.`, { code: 'TABLE_UNKNOWN', retryable: false });
    return totalsFor(table, query, stored);
  }
}
