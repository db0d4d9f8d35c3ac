import type { ColumnValue, TableSpec } from '#kernel';

export type Comparison = 'eq' | 'gt' | 'gte' | 'lt' | 'lte';

export interface ReadCondition {
  readonly column: string;
  readonly is: Comparison;
  readonly value: string | number | bigint | boolean;
}

export interface ReadQuery {
  /** All must hold. */
  readonly where?: readonly ReadCondition[];
  readonly orderBy?: ReadonlyArray<{ readonly column: string; readonly descending?: boolean }>;
  /** 1 to 10,000. */
  readonly limit: number;
}

export type ReadRow = Readonly<Record<string, ColumnValue>>;

/**
 * Reads rows of read models through the views of the serving versions. A row holds the key and all columns, without the
 * stamps. Text is ordered by code points; null is greater than every value in an order and matches no condition.
 * Errors: `COLUMN_UNKNOWN` (not in the spec), `LIMIT_INVALID`, `TABLE_UNKNOWN` (no version serves it).
 */
export abstract class ReadStore {
  abstract select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]>;
}
