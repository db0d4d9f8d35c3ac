import type { ColumnValue, TableSpec } from '#kernel';
import type { ProjectionPartition } from './projection-partition.ts';

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
  /** Only rows whose key comes after this one in the order of keys; every column of the key is given. */
  readonly after?: RowKey;
  /** Only the rows with these keys. */
  readonly keys?: readonly RowKey[];
  /** 1 to 10,000. */
  readonly limit: number;
}

/** The columns of a row's key. */
export type RowKey = Readonly<Record<string, string | number | bigint>>;

export type ReadRow = Readonly<Record<string, ColumnValue>>;

/** Rows and what they were made of, as of one moment. */
export interface ReadSnapshot {
  readonly rows: readonly ReadRow[];
  /** Of the projection that serves the table. */
  readonly version: number;
  /** Names the rows: another name after a promotion or a roll-back, also of the same version. */
  readonly serving: string;
  /** How far the log has been folded into the rows; a partition that is not named has not been begun. */
  readonly checkpoints: ReadonlyArray<ProjectionPartition & { readonly position: bigint }>;
}

/**
 * Reads rows of read models through the views of the serving versions. A row holds the key and all columns, without the
 * stamps. Text is ordered by code points; null is greater than every value in an order and matches no condition.
 * Errors: `COLUMN_UNKNOWN` (not in the spec), `LIMIT_INVALID`, `TABLE_UNKNOWN` (no version serves it),
 * `READ_MODEL_BUILDING` (retryable: an older version serves, which lacks a column).
 */
export abstract class ReadStore {
  abstract select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]>;
  /** The same, together with the checkpoints of the projection of that name, in one snapshot. */
  abstract snapshot(projection: string, table: TableSpec, query: ReadQuery): Promise<ReadSnapshot>;
}
