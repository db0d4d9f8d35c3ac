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
  /** At most 10,000. */
  readonly limit: number;
}

export type ReadRow = Readonly<Record<string, ColumnValue>>;

/** Reads rows of read models through the views of the serving versions. Column names are checked against the spec. */
export abstract class ReadStore {
  abstract select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]>;
}
