import { compareValues, OperatingError, type RowChange, type TableSpec } from '#kernel';
import type { Total, TotalsQuery } from './read-totals.port.ts';
import { conditionHolds } from './row-query.ts';

const limitMax = 10_000;
const grouping = new Set(['text', 'integer', 'bigint']);
const adding = new Set(['integer', 'bigint', 'count']);

/** @throws OperatingError `LIMIT_INVALID`, `COLUMN_UNKNOWN` */
export function checkTotals(table: TableSpec, { greatest, groupBy, limit, sums, where = [] }: TotalsQuery): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax)
    throw new OperatingError(`The limit must be 1 to ${limitMax}, not ${limit}.`, { code: 'LIMIT_INVALID', retryable: false });
  const typeOf = (column: string): string | undefined => table.key[column] ?? table.columns[column]?.type;
  const unfit = [
    ...where.map(({ column }) => column).filter((column) => typeOf(column) === undefined),
    ...groupBy
      .filter(({ column, width }) => !grouping.has(typeOf(column) ?? '') || (width !== undefined && typeOf(column) !== 'bigint'))
      .map(({ column }) => column),
    ...sums.filter((column) => !adding.has(typeOf(column) ?? '')),
    ...(greatest === undefined || sums.includes(greatest) ? [] : [greatest]),
  ];
  if (unfit.length > 0) throw new OperatingError(`The table ${table.name} has no column ${unfit[0]} for this.`, { code: 'COLUMN_UNKNOWN', retryable: false });
}

/** Answers from rows in memory, as a {@link import('./read-totals.port.ts').ReadTotals} does from its tables. */
export function totalsFor(table: TableSpec, query: TotalsQuery, stored: readonly RowChange[]): readonly Total[] {
  checkTotals(table, query);
  const { greatest, groupBy, limit, sums, where = [] } = query;
  const totals = new Map<string, { group: Record<string, string | bigint | null>; sums: Record<string, bigint> }>();
  for (const { key, set } of stored) {
    const row = { ...set, ...key };
    if (!where.every((condition) => conditionHolds(row, condition))) continue;
    const group: Record<string, string | bigint | null> = {};
    for (const { column, width } of groupBy) {
      const value = row[column] ?? null;
      group[column] = value === null || typeof value === 'string' ? value : beginOf(BigInt(value as bigint | number), width);
    }
    const name = JSON.stringify(Object.values(group).map((value) => (value === null ? null : String(value))));
    const total = totals.get(name) ?? { group, sums: Object.fromEntries(sums.map((column) => [column, 0n])) };
    for (const column of sums) total.sums[column] = (total.sums[column] ?? 0n) + BigInt((row[column] ?? 0) as bigint | number);
    totals.set(name, total);
  }
  return [...totals.values()].toSorted((a, b) => byGreatest(a, b, greatest) || byGroup(a, b)).slice(0, limit);
}

function beginOf(value: bigint, width: bigint | undefined): bigint {
  return width === undefined ? value : value - (value % width);
}

function byGreatest(a: Total, b: Total, column: string | undefined): number {
  return column === undefined ? 0 : compareValues(b.sums[column] ?? 0n, a.sums[column] ?? 0n);
}

/** Null comes last. */
function byGroup(a: Total, b: Total): number {
  for (const [column, value] of Object.entries(a.group)) {
    const other = b.group[column] ?? null;
    const order = value === null || other === null ? Number(value === null) - Number(other === null) : compareValues(value, other);
    if (order !== 0) return order;
  }
  return 0;
}
