import { assert, compareValues, OperatingError, type ColumnValue, type RowChange, type TableSpec } from '#kernel';
import type { ReadCondition, ReadQuery, ReadRow, RowKey } from './read-store.port.ts';

const limitMax = 10_000;

/** Answers a query from rows in memory, as a {@link import('./read-store.port.ts').ReadStore} does from its tables. */
export function rowsFor(table: TableSpec, query: ReadQuery, stored: readonly RowChange[]): readonly ReadRow[] {
  checkQuery(table, query);
  const empty = Object.fromEntries(Object.keys(table.columns).map((name) => [name, null]));
  return stored
    .map(({ key, set }): ReadRow => ({ ...key, ...empty, ...set }))
    .filter((row) => (query.where ?? []).every((condition) => conditionHolds(row, condition)))
    .filter((row) => query.after === undefined || compareKeys(table, row, query.after) > 0)
    .filter((row) => query.keys === undefined || query.keys.some((key) => compareKeys(table, row, key) === 0))
    .sort((a, b) => compareRows(a, b, query.orderBy ?? []))
    .slice(0, query.limit);
}

/** @throws OperatingError `LIMIT_INVALID`, `COLUMN_UNKNOWN` */
export function checkQuery(table: TableSpec, { where = [], orderBy = [], after, keys = [], limit }: ReadQuery): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    throw new OperatingError(`The limit must be 1 to ${limitMax}, not ${limit}.`, { code: 'LIMIT_INVALID', retryable: false });
  }
  for (const { column } of [...where, ...orderBy]) {
    if (Object.hasOwn(table.key, column) || Object.hasOwn(table.columns, column)) continue;
    throw new OperatingError(`The table ${table.name} has no column ${column}.`, { code: 'COLUMN_UNKNOWN', retryable: false });
  }
  for (const key of after === undefined ? keys : [after, ...keys])
    for (const name of Object.keys(table.key)) assert(key[name] !== undefined, `${table.name}: the key lacks ${name}`);
}

function compareKeys(table: TableSpec, row: ReadRow, key: RowKey): number {
  for (const name of Object.keys(table.key)) {
    const order = compareValues(row[name] as ColumnValue, key[name] as ColumnValue);
    if (order !== 0) return order;
  }
  return 0;
}

/** Whether a row is one of those that are looked for. */
export function conditionHolds(row: ReadRow, { column, is, value }: ReadCondition): boolean {
  const actual = row[column] ?? null;
  if (actual === null) return false;
  const order = compareValues(actual, value);
  switch (is) {
    case 'eq':
      return order === 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
  }
}

function compareNullable(a: ColumnValue, b: ColumnValue): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareValues(a, b);
}

function compareRows(a: ReadRow, b: ReadRow, orderBy: NonNullable<ReadQuery['orderBy']>): number {
  for (const { column, descending } of orderBy) {
    const order = compareNullable(a[column] ?? null, b[column] ?? null);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}
