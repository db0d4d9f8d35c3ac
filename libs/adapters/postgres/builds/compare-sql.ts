import type { ColumnType, TableSpec } from '#kernel';
import { tenantsOf, type RowDifference, type TableDifference } from '#ports';
import type { TextRow } from '../database.ts';
import { horizonSql, stampColumn, stampsOf, stampType } from '../table-sql.ts';
import type { Run } from './build-rows.ts';

/** Two tables of one name, and where they stand. */
export interface ComparedTable {
  readonly serving: { readonly schema: string; readonly table: TableSpec };
  readonly rebuilt: { readonly schema: string; readonly table: TableSpec };
}

/** Comparing may take minutes, and nobody waits behind it. */
const compareTimeoutMs = 600_000;

function columnsOf(table: TableSpec): ReadonlyMap<string, ColumnType> {
  const stamps = stampsOf(table).map((stamp) => [stampColumn(stamp), stampType(table, stamp)] as const);
  return new Map([...Object.entries(table.columns).map(([name, { type }]) => [name, type] as const), ...stamps]);
}

function quoted(alias: string, name: string): string {
  return `${alias}."${name}"`;
}

/** A bigint goes as text: JSON would round it. */
function jsonOf(alias: string, name: string, type: ColumnType | undefined): string {
  return `to_jsonb(${quoted(alias, name)}${type === 'bigint' ? '::text' : ''})`;
}

/** Rows of which a part may have been removed, on whichever side, are left out on both. */
function comparedSql({ name, expires }: TableSpec, serving: ReadonlyMap<string, ColumnType>): string {
  if (expires === undefined || !serving.has(expires.oldest)) return 'true';
  const oldest = `LEAST(${quoted('a', expires.oldest)}, ${quoted('b', expires.oldest)})`;
  return `(${horizonSql(name)} IS NULL OR ${oldest} >= ${horizonSql(name)})`;
}

/** Whether two tables can be compared row by row: only rows under the same key are the same row. */
function sameKey(a: TableSpec, b: TableSpec): boolean {
  return JSON.stringify(a.key) === JSON.stringify(b.key);
}

interface Plan {
  readonly from: string;
  readonly differs: string;
  /** Which rows are compared. */
  readonly compared: string;
  readonly shared: readonly string[];
  readonly types: ReadonlyMap<string, ColumnType>;
  readonly key: readonly string[];
}

function planOf({ serving, rebuilt }: ComparedTable): Plan {
  const key = Object.keys(rebuilt.table.key);
  const [mine, theirs] = [columnsOf(serving.table), columnsOf(rebuilt.table)];
  const shared = [...theirs.keys()].filter((name) => mine.get(name) === theirs.get(name));
  const on = key.map((name) => `${quoted('a', name)} = ${quoted('b', name)}`).join(' AND ');
  const first = key[0] ?? '';
  const values = (alias: string): string => `ROW(${shared.map((name) => quoted(alias, name)).join(', ')})`;
  const changed = shared.length === 0 ? 'false' : `${values('a')} IS DISTINCT FROM ${values('b')}`;
  return {
    from: `${serving.schema}."${serving.table.name}" AS a FULL JOIN ${rebuilt.schema}."${rebuilt.table.name}" AS b ON ${on}`,
    differs: `(${quoted('a', first)} IS NULL OR ${quoted('b', first)} IS NULL OR ${changed})`,
    compared: comparedSql(rebuilt.table, mine),
    shared,
    types: theirs,
    key,
  };
}

function countsSql({ from, differs, compared, shared, key }: Plan): string {
  const first = key[0] ?? '';
  const [noA, noB] = [`${quoted('a', first)} IS NULL`, `${quoted('b', first)} IS NULL`];
  const all = (alias: string): string => `ROW(${[...key, ...shared].map((name) => quoted(alias, name)).join(', ')})::text`;
  const digest = (alias: string, there: string): string =>
    [0, 1].map((seed) => `coalesce(to_hex(bit_xor(hashtextextended(${all(alias)}, ${seed})) FILTER (WHERE NOT ${there})), '0')`).join(` || '-' || `);
  return `SELECT count(*) FILTER (WHERE NOT ${noA}), count(*) FILTER (WHERE NOT ${noB}), count(*) FILTER (WHERE ${noA}), count(*) FILTER (WHERE ${noB}),
    count(*) FILTER (WHERE NOT ${noA} AND NOT ${noB} AND ${differs}), ${digest('a', noA)}, ${digest('b', noB)}${shared
      .map((name) => `, count(*) FILTER (WHERE NOT ${noA} AND NOT ${noB} AND ${quoted('a', name)} IS DISTINCT FROM ${quoted('b', name)})`)
      .join('')}
    FROM ${from} WHERE ${compared}`;
}

function samplesSql({ from, differs, compared, shared, types, key }: Plan, limit: number): string {
  const first = key[0] ?? '';
  const keys = key.map((name) => `'${name}', coalesce(${quoted('a', name)}, ${quoted('b', name)})::text`).join(', ');
  const values = (alias: string): string => `jsonb_build_array(${shared.map((name) => jsonOf(alias, name, types.get(name))).join(', ')})`;
  const order = key.map((name) => `coalesce(${quoted('a', name)}, ${quoted('b', name)})`).join(', ');
  return `SELECT CASE WHEN ${quoted('a', first)} IS NULL THEN 'added' WHEN ${quoted('b', first)} IS NULL THEN 'removed' ELSE 'changed' END,
    jsonb_build_object(${keys}), ${values('a')}, ${values('b')} FROM ${from} WHERE ${compared} AND ${differs} ORDER BY ${order} LIMIT ${limit}`;
}

function sampleOf(shared: readonly string[], [kind, key, a, b]: TextRow): RowDifference {
  const [serving, rebuilt] = [a, b].map((text) => JSON.parse(text ?? '[]') as readonly unknown[]) as [readonly unknown[], readonly unknown[]];
  const columns: Record<string, { serving: unknown; rebuilt: unknown }> = {};
  shared.forEach((name, at) => {
    const [mine, theirs] = [serving[at] ?? null, rebuilt[at] ?? null];
    if (JSON.stringify(mine) !== JSON.stringify(theirs)) columns[name] = { serving: mine, rebuilt: theirs };
  });
  const place = JSON.parse(key ?? '{}') as Record<string, unknown>;
  const owner = shared.indexOf('tenant');
  return { kind: kind as RowDifference['kind'], key: place, columns, ...tenantsOf(place['tenant'], serving[owner], rebuilt[owner]) };
}

/** Compares two tables; both are seen as of the transaction's one snapshot. */
export async function compareTables(run: Run, compared: ComparedTable, samplesMax: number): Promise<TableDifference> {
  const { serving, rebuilt } = compared;
  const names = (table: TableSpec): readonly string[] => [...Object.keys(table.key), ...columnsOf(table).keys()];
  if (!sameKey(serving.table, rebuilt.table)) return otherKeys(run, compared);
  const plan = planOf(compared);
  const limits = { timeoutMs: compareTimeoutMs };
  const counts = (await run({ text: countsSql(plan), ...limits })).rows[0] ?? [];
  const [servingRows, rebuiltRows, added, removed, changed] = counts.map(Number) as [number, number, number, number, number];
  const differs = added + removed + changed > 0;
  const samples = differs ? (await run({ text: samplesSql(plan, samplesMax), ...limits })).rows.map((row) => sampleOf(plan.shared, row)) : [];
  const changedColumns = Object.fromEntries(plan.shared.map((name, at) => [name, Number(counts[at + 7])] as const).filter(([, count]) => count > 0));
  const [mine, theirs] = [names(serving.table), names(rebuilt.table)];
  const known = new Set([...plan.key, ...plan.shared]);
  return {
    table: rebuilt.table.name,
    ...{ serving: servingRows, rebuilt: rebuiltRows, added, removed, changed, changedColumns, samples },
    onlyServing: mine.filter((name) => !known.has(name)),
    onlyRebuilt: theirs.filter((name) => !known.has(name)),
    ...{ servingDigest: counts[5] ?? '', rebuiltDigest: counts[6] ?? '' },
  };
}

/** Rows under another key are other rows, all of them. */
async function otherKeys(run: Run, { serving, rebuilt }: ComparedTable): Promise<TableDifference> {
  const count = async (schema: string, name: string): Promise<number> => Number((await run({ text: `SELECT count(*) FROM ${schema}."${name}"` })).rows[0]?.[0]);
  const [mine, theirs] = [await count(serving.schema, serving.table.name), await count(rebuilt.schema, rebuilt.table.name)];
  return {
    table: rebuilt.table.name,
    ...{ serving: mine, rebuilt: theirs, added: theirs, removed: mine, changed: 0, changedColumns: {}, samples: [] },
    onlyServing: Object.keys(serving.table.key),
    onlyRebuilt: Object.keys(rebuilt.table.key),
    ...{ servingDigest: 'other-key', rebuiltDigest: 'key' },
  };
}
