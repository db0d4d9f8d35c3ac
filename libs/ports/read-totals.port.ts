import type { TableSpec } from '#kernel';
import type { ReadCondition } from './read-store.port.ts';

export interface TotalsQuery {
  /** All must hold. */
  readonly where?: readonly ReadCondition[];
  /** Rows that are alike in these are one total. Of a bigint column with a width the beginnings of intervals of that width count. */
  readonly groupBy: ReadonlyArray<{ readonly column: string; readonly width?: bigint }>;
  /** Columns of bigint or integer. */
  readonly sums: readonly string[];
  /** A column of `sums`: the greatest first. In the order of the groups when left out. */
  readonly greatest?: string;
  /** 1 to 10,000. */
  readonly limit: number;
}

/** By column: what a group has in common, and its sums. Null sums are 0. */
export interface Total {
  readonly group: Readonly<Record<string, string | bigint | null>>;
  readonly sums: Readonly<Record<string, bigint>>;
}

/**
 * Adds up rows of read models where they are, through the views of the serving versions. Errors are those of `ReadStore`, and
 * `COLUMN_UNKNOWN` too for a column that cannot be grouped by (text, integer and bigint can) or added up.
 */
export abstract class ReadTotals {
  abstract totals(table: TableSpec, query: TotalsQuery): Promise<readonly Total[]>;
}
