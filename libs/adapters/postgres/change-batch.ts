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
import { binaryArray } from './array-binary.ts';
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

/** Checks the changes of a table, and notes which columns they set. */
class ChangeChecks {
  readonly keyNames: readonly string[];
  readonly #table: TableSpec;
  readonly #members: readonly StampMember[];
  /** Columns whose values have a shape that the server would stumble over too late. */
  readonly #checked: readonly string[];
  readonly #set = new Set<string>();
  #names: readonly string[] | undefined;

  constructor(table: TableSpec) {
    this.#table = table;
    this.keyNames = Object.keys(table.key);
    this.#members = stampMembers(table);
    this.#checked = structuredColumns(table);
  }

  add(change: RowChange): void {
    const table = this.#table;
    for (const name of this.keyNames) assert(change.key[name] !== undefined, `${table.name}: the key lacks ${name}`);
    // Most changes of a batch set what the one before them set.
    const names = Object.keys(change.set);
    if (this.#names === undefined || !sameNames(this.#names, names)) this.#addShape(change, names);
    for (const name of this.#checked) {
      const fault = columnFault(table, name, change.set[name]);
      assert(fault === undefined, fault ?? '');
    }
    for (const [stamp, member] of this.#members)
      assert(change.set[member] === undefined || change.stamps?.[stamp] !== undefined, `a change of ${table.name} has no stamp ${stamp}`);
  }

  /** The columns that any of the changes sets, in the order of the spec. Rows that leave one out pass null for it. */
  get columns(): UpsertColumns {
    const columns = Object.keys(this.#table.columns).filter((name) => this.#set.has(name));
    const groups = new Set(columns.map((name) => this.#table.columns[name]?.stamp));
    return { columns, stamps: stampsOf(this.#table).filter((stamp) => groups.has(stamp)) };
  }

  #addShape(change: RowChange, names: readonly string[]): void {
    const table = this.#table;
    for (const name of names) {
      assert(table.columns[name] !== undefined, `${table.name} has no column ${name}`);
      this.#set.add(name);
    }
    const missing = wholeStampGroups(table, change);
    assert(missing.length === 0, `${table.name}: ${missing.join(', ')} must be set with the rest of the stamp's columns`);
    this.#names = names;
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function batchOf(table: TableSpec, changes: RowChange[]): ChangeBatch {
  const checks = new ChangeChecks(table);
  for (const change of changes) checks.add(change);
  changes.sort((a, b) => compareKeys(checks.keyNames, a, b));
  return { table, changes, ...checks.columns };
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

/** The batch as one array per column, for an upsert. */
export function upsertValues(batch: ChangeBatch): ReadonlyArray<string | Buffer> {
  return fieldsOf(batch).map(({ type, of }) => {
    const values = batch.changes.map(of);
    return binaryArray(type, values) ?? columnArray(type, values);
  });
}

/** The batch as lines, for a COPY. */
export function copyData(batch: ChangeBatch): Buffer {
  return copyText(fieldsOf(batch), batch.changes);
}
