import { compareValues, murmur2, type ColumnValue, type RowChange, type TableSpec } from '#kernel';
import { tenantsOf, type ModelDifference, type RowDifference, type TableDifference } from '#ports';
import type { MemoryTables } from './memory-tables.ts';

type Row = Readonly<Record<string, unknown>>;

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : (value ?? null);
}

/** Columns and stamps of a row, as plain data. */
function rowOf({ set, stamps = {} }: RowChange): Row {
  return Object.fromEntries(
    [...Object.entries(set), ...Object.entries(stamps).map(([name, stamp]) => [`${name}$stamp`, stamp])].map(([name, value]) => [name, plain(value)]),
  );
}

function columnsOf(table: TableSpec): ReadonlyMap<string, string> {
  const stamps = Object.values(table.columns).flatMap(({ stamp, join }) =>
    stamp === undefined ? [] : [[`${stamp}$stamp`, join === 'hlc' ? 'text' : 'bigint'] as const],
  );
  return new Map([...Object.entries(table.columns).map(([name, { type }]) => [name, type] as const), ...stamps]);
}

function compareKeys(a: RowChange['key'], b: RowChange['key']): number {
  for (const name in a) {
    const order = compareValues(a[name] as ColumnValue, b[name] as ColumnValue);
    if (order !== 0) return order;
  }
  return 0;
}

function identityOf(key: RowChange['key']): string {
  return JSON.stringify(Object.entries(key).map(([name, value]) => [name, String(value)]));
}

function digestOf(rows: readonly RowChange[], shared: readonly string[]): string {
  let digest = 0;
  for (const row of rows) {
    const values = rowOf(row);
    digest ^= murmur2(new TextEncoder().encode(JSON.stringify([identityOf(row.key), shared.map((name) => values[name] ?? null)])));
  }
  return (digest >>> 0).toString(16);
}

function compareTable(serving: TableSpec, rebuilt: TableSpec, mine: readonly RowChange[], theirs: readonly RowChange[], samplesMax: number): TableDifference {
  const [before, after] = [columnsOf(serving), columnsOf(rebuilt)];
  const shared = [...after.keys()].filter((name) => before.get(name) === after.get(name));
  const [byKey, builtByKey] = [mine, theirs].map((rows) => new Map(rows.map((row) => [identityOf(row.key), row]))) as [
    Map<string, RowChange>,
    Map<string, RowChange>,
  ];
  const changedColumns: Record<string, number> = {};
  const found: Array<RowDifference & { readonly order: RowChange['key'] }> = [];
  const note = (kind: RowDifference['kind'], key: RowChange['key'], a: Row, b: Row): void => {
    const differing = shared.filter((name) => JSON.stringify(a[name] ?? null) !== JSON.stringify(b[name] ?? null));
    if (kind === 'changed') for (const name of differing) changedColumns[name] = (changedColumns[name] ?? 0) + 1;
    if (kind === 'changed' && differing.length === 0) return;
    const columns = Object.fromEntries(differing.map((name) => [name, { serving: a[name] ?? null, rebuilt: b[name] ?? null }]));
    const place = Object.fromEntries(Object.entries(key).map(([name, value]) => [name, String(value)]));
    found.push({ kind, order: key, key: place, columns, ...tenantsOf(place['tenant'], a['tenant'], b['tenant']) });
  };
  for (const [id, row] of byKey) {
    const other = builtByKey.get(id);
    note(other === undefined ? 'removed' : 'changed', row.key, rowOf(row), other === undefined ? {} : rowOf(other));
  }
  for (const [id, row] of builtByKey) if (!byKey.has(id)) note('added', row.key, {}, rowOf(row));
  const count = (kind: RowDifference['kind']): number => found.filter((one) => one.kind === kind).length;
  return {
    table: rebuilt.name,
    ...{ serving: mine.length, rebuilt: theirs.length, added: count('added'), removed: count('removed'), changed: count('changed'), changedColumns },
    onlyServing: [...before.keys()].filter((name) => !shared.includes(name)),
    onlyRebuilt: [...after.keys()].filter((name) => !shared.includes(name)),
    ...{ servingDigest: digestOf(mine, shared), rebuiltDigest: digestOf(theirs, shared) },
    samples: found
      .sort((a, b) => compareKeys(a.order, b.order))
      .slice(0, samplesMax)
      .map(({ order: _order, ...sample }) => sample),
  };
}

/** Two read models beside each other, table by table. */
export function compareMemoryTables(
  serving: MemoryTables,
  rebuilt: MemoryTables,
  samplesMax: number,
): Pick<ModelDifference, 'equal' | 'tables' | 'tablesOnlyServing' | 'tablesOnlyRebuilt'> {
  const [mine, theirs] = [serving.projection.tables, rebuilt.projection.tables];
  const tables = theirs.flatMap((table) => {
    const other = mine.find(({ name }) => name === table.name);
    return other === undefined ? [] : [compareTable(other, table, serving.rows(other), rebuilt.rows(table), samplesMax)];
  });
  const only = (some: readonly TableSpec[], others: readonly TableSpec[]): readonly string[] =>
    some.map(({ name }) => name).filter((name) => !others.some((other) => other.name === name));
  const [tablesOnlyServing, tablesOnlyRebuilt] = [only(mine, theirs), only(theirs, mine)];
  const same = tables.every(
    ({ added, removed, changed, onlyServing, onlyRebuilt }) => added + removed + changed + onlyServing.length + onlyRebuilt.length === 0,
  );
  return { equal: same && tablesOnlyServing.length + tablesOnlyRebuilt.length === 0, tables, tablesOnlyServing, tablesOnlyRebuilt };
}
