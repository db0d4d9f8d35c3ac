import { browseBatchTable } from '#domain/edge';
import type { ReadRow, ReadStore } from '#ports';

const pageRows = 1000;
/** Rows of several partitions do not come in the order of their times: what is so much older than the newest is looked for again, ms. */
const lateMs = 120_000;

function nameOf(row: ReadRow): string {
  return String(row['event_id']);
}

/** Reads what was asked for, each row once, about in the order of time. */
export class BrowseReader {
  readonly #reads: ReadStore;
  /** Those that might be read again. */
  readonly #seen = new Map<string, number>();
  #fromMs = 0;

  constructor(reads: ReadStore) {
    this.#reads = reads;
  }

  /** What has come since the last call. Mirrored rows are other regions' business. */
  async *news(signal: AbortSignal): AsyncGenerator<ReadRow> {
    let [fromMs, newestMs] = [this.#fromMs, this.#fromMs];
    while (!signal.aborted) {
      const rows = await this.#reads.select(browseBatchTable, {
        where: [
          { column: 'origin', is: 'eq', value: '' },
          { column: 'at_ms', is: 'gte', value: BigInt(fromMs) },
        ],
        orderBy: [{ column: 'at_ms' }],
        limit: pageRows,
      });
      for (const row of rows) {
        const atMs = Number(row['at_ms']);
        newestMs = Math.max(newestMs, atMs);
        if (this.#seen.has(nameOf(row))) continue;
        this.#seen.set(nameOf(row), atMs);
        yield row;
      }
      if (rows.length < pageRows) break;
      // More rows of one ms than a page holds are not read whole: there is no such edge.
      fromMs = Math.max(fromMs + 1, Number(rows.at(-1)?.['at_ms'] ?? 0));
    }
    this.#fromMs = Math.max(this.#fromMs, newestMs - lateMs);
    for (const [name, atMs] of this.#seen) if (atMs < this.#fromMs) this.#seen.delete(name);
  }
}
