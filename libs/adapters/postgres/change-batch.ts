import { assert, wholeStampGroups, type ColumnValue, type Projection, type RowChange, type TableSpec } from '#kernel';
import { columnArray } from './array-literal.ts';
import { stampsOf, type UpsertColumns } from './table-sql.ts';

/** The changes of one table, ready to be sent: which columns, and one array literal per key part, column and stamp. */
export interface ChangeBatch extends UpsertColumns {
  readonly table: TableSpec;
  readonly values: readonly string[];
}

type KeyPart = string | number | bigint;

function compareKeys(names: readonly string[], a: RowChange, b: RowChange): number {
  for (const name of names) {
    const [mine, theirs] = [a.key[name] as KeyPart, b.key[name] as KeyPart];
    if (mine < theirs) return -1;
    if (mine > theirs) return 1;
  }
  return 0;
}

function check(table: TableSpec, keyNames: readonly string[], change: RowChange): void {
  for (const name of keyNames) assert(change.key[name] !== undefined, `${table.name}: the key lacks ${name}`);
  for (const name in change.set) assert(table.columns[name] !== undefined, `${table.name} has no column ${name}`);
}

/** The columns that any of the changes sets, in the order of the spec. Rows that leave one out pass null for it. */
function columnsOf(table: TableSpec, changes: readonly RowChange[]): UpsertColumns {
  const set = new Set<string>();
  for (const change of changes) for (const name in change.set) set.add(name);
  const columns = Object.keys(table.columns).filter((name) => set.has(name));
  const groups = new Set(columns.map((name) => table.columns[name]?.stamp));
  return { columns, stamps: stampsOf(table).filter((stamp) => groups.has(stamp)) };
}

function stampValues(table: TableSpec, stamp: string, changes: readonly RowChange[]): (bigint | undefined)[] {
  const member = Object.keys(table.columns).find((name) => table.columns[name]?.stamp === stamp) ?? '';
  return changes.map((change) => {
    const value = change.stamps?.[stamp];
    // Only a change that writes the group may bring its stamp: an empty stamped write would shut out real ones.
    if (change.set[member] === undefined) return undefined;
    assert(value !== undefined, `a change of ${table.name} has no stamp ${stamp}`);
    return value;
  });
}

function batchOf(table: TableSpec, changes: RowChange[]): ChangeBatch {
  const keyNames = Object.keys(table.key);
  for (const change of changes) {
    check(table, keyNames, change);
    const missing = wholeStampGroups(table, change);
    assert(missing.length === 0, `${table.name}: ${missing.join(', ')} must be set with the rest of the stamp's columns`);
  }
  changes.sort((a, b) => compareKeys(keyNames, a, b));
  const { columns, stamps } = columnsOf(table, changes);
  const values = [
    ...keyNames.map((name) =>
      columnArray(
        table.key[name] ?? 'text',
        changes.map((change) => change.key[name]),
      ),
    ),
    ...columns.map((name) =>
      columnArray(
        table.columns[name]?.type ?? 'text',
        changes.map((change): ColumnValue | undefined => change.set[name]),
      ),
    ),
    ...stamps.map((stamp) => columnArray('bigint', stampValues(table, stamp, changes))),
  ];
  return { table, columns, stamps, values };
}

/** Sorts changes into one batch per table, tables in the order of the spec and rows in the order of their keys. */
export function changeBatches(projection: Projection<never>, changes: readonly RowChange[]): readonly ChangeBatch[] {
  const byTable = new Map<string, RowChange[]>(projection.tables.map((table) => [table.name, []]));
  for (const change of changes) {
    const list = byTable.get(change.table);
    assert(list !== undefined, `${projection.name} has no table ${change.table}`);
    list.push(change);
  }
  return projection.tables.flatMap((table) => {
    const list = byTable.get(table.name) ?? [];
    return list.length === 0 ? [] : [batchOf(table, list)];
  });
}
