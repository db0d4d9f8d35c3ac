import {
  assert,
  columnFault,
  structuredColumns,
  wholeStampGroups,
  type ColumnType,
  type ColumnValue,
  type Projection,
  type RowChange,
  type TableSpec,
} from '#kernel';
import { columnArray } from './array-literal.ts';
import { copyText } from './copy-text.ts';
import { stampsOf, stampType, type UpsertColumns } from './table-sql.ts';

/** The changes of one table in the order of their keys, checked: each key once, and which columns any of them sets. */
export interface ChangeBatch extends UpsertColumns {
  readonly table: TableSpec;
  readonly changes: readonly RowChange[];
}

type Value = ColumnValue | undefined;
type KeyPart = string | number | bigint;

function compareKeys(names: readonly string[], a: RowChange, b: RowChange): number {
  for (const name of names) {
    const [mine, theirs] = [a.key[name] as KeyPart, b.key[name] as KeyPart];
    if (mine < theirs) return -1;
    if (mine > theirs) return 1;
  }
  return 0;
}

type StampMember = readonly [stamp: string, member: string];

/** Each stamp of a table with a column of its group: what sets that one writes the group. */
function stampMembers(table: TableSpec): readonly StampMember[] {
  return stampsOf(table).map((stamp) => [stamp, Object.keys(table.columns).find((name) => table.columns[name]?.stamp === stamp) ?? '']);
}

interface Checks {
  readonly keyNames: readonly string[];
  readonly members: readonly StampMember[];
  /** Columns whose values have a shape that the server would stumble over too late. */
  readonly checked: readonly string[];
}

function check(table: TableSpec, { keyNames, members, checked }: Checks, change: RowChange): void {
  for (const name of keyNames) assert(change.key[name] !== undefined, `${table.name}: the key lacks ${name}`);
  for (const name in change.set) assert(table.columns[name] !== undefined, `${table.name} has no column ${name}`);
  for (const name of checked) {
    const fault = columnFault(table, name, change.set[name]);
    assert(fault === undefined, fault ?? '');
  }
  const missing = wholeStampGroups(table, change);
  assert(missing.length === 0, `${table.name}: ${missing.join(', ')} must be set with the rest of the stamp's columns`);
  for (const [stamp, member] of members)
    assert(change.set[member] === undefined || change.stamps?.[stamp] !== undefined, `a change of ${table.name} has no stamp ${stamp}`);
}

/** The columns that any of the changes sets, in the order of the spec. Rows that leave one out pass null for it. */
function columnsOf(table: TableSpec, changes: readonly RowChange[]): UpsertColumns {
  const set = new Set<string>();
  for (const change of changes) for (const name in change.set) set.add(name);
  const columns = Object.keys(table.columns).filter((name) => set.has(name));
  const groups = new Set(columns.map((name) => table.columns[name]?.stamp));
  return { columns, stamps: stampsOf(table).filter((stamp) => groups.has(stamp)) };
}

function batchOf(table: TableSpec, changes: RowChange[]): ChangeBatch {
  const keyNames = Object.keys(table.key);
  const checks = { keyNames, members: stampMembers(table), checked: structuredColumns(table) };
  for (const change of changes) check(table, checks, change);
  changes.sort((a, b) => compareKeys(keyNames, a, b));
  return { table, changes, ...columnsOf(table, changes) };
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

/** One value of each row: a part of its key, a column or a stamp. */
interface Field {
  readonly type: ColumnType;
  of(change: RowChange): Value;
}

/** In the order in which the statements name them: key, columns, stamps. */
function fieldsOf({ table, columns, stamps }: ChangeBatch): readonly Field[] {
  return [
    ...Object.entries(table.key).map(([name, type]): Field => ({ type, of: (change) => change.key[name] })),
    ...columns.map((name): Field => ({ type: table.columns[name]?.type ?? 'text', of: (change) => change.set[name] })),
    // Only a change that writes the group may bring its stamp: an empty stamped write would shut out real ones.
    ...stampMembers(table)
      .filter(([stamp]) => stamps.includes(stamp))
      .map(([stamp, member]): Field => ({
        type: stampType(table, stamp),
        of: (change) => (change.set[member] === undefined ? undefined : change.stamps?.[stamp]),
      })),
  ];
}

/** The batch as one array literal per column, for an upsert. */
export function upsertValues(batch: ChangeBatch): readonly string[] {
  return fieldsOf(batch).map(({ type, of }) => columnArray(type, batch.changes.map(of)));
}

/** The batch as lines, for a COPY. */
export function copyData(batch: ChangeBatch): Buffer {
  return copyText(fieldsOf(batch), batch.changes);
}
