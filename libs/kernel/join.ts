import { assert, InvariantError } from './assert.ts';
import { compareValues } from './compare.ts';
import { joinCounts, joinDots, joinStages, type Counts, type Dots } from './lattice.ts';
import type { ColumnSpec, ColumnValue, RowChange, Stamp, TableSpec } from './projection.ts';

/** The greater of two values, or the smaller; null loses. */
function pick(join: 'max' | 'min', a: ColumnValue, b: ColumnValue): ColumnValue {
  // What most columns that grow hold.
  if ((typeof a === 'number' && typeof b === 'number') || (typeof a === 'bigint' && typeof b === 'bigint')) return (join === 'max' ? a >= b : a <= b) ? a : b;
  if (a === null) return b;
  if (b === null) return a;
  const order = compareValues(a, b);
  return (join === 'max' ? order >= 0 : order <= 0) ? a : b;
}

/** Joins two values of a column. `stampOrder` is the sign of (stamp of a) - (stamp of b); only `lww` and `hlc` look at it. */
export function joinValues(column: ColumnSpec, a: ColumnValue, b: ColumnValue, stampOrder = 0): ColumnValue {
  switch (column.join) {
    case 'once':
    case 'max':
      return pick('max', a, b);
    case 'min':
      return pick('min', a, b);
    case 'lww':
    case 'hlc':
      return stampOrder === 0 ? pick('max', a, b) : stampOrder > 0 ? a : b;
    default:
      return a === null ? b : b === null ? a : joinStructures(column, a, b);
  }
}

function joinStructures({ join, stages }: ColumnSpec, a: ColumnValue, b: ColumnValue): ColumnValue {
  if (join === 'enum') return joinStages(stages ?? [], a as string, b as string);
  return join === 'counter' ? joinCounts(a as Counts, b as Counts) : joinDots(a as Dots, b as Dots);
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface FoldedTable {
  readonly spec: TableSpec;
  readonly rows: Map<string, RowChange>;
}

/**
 * Joins the changes of many events into at most one per table and key. Associative, commutative and idempotent like the
 * columns are, provided that a change sets all columns of a stamp group or none, as `wholeStampGroups` demands.
 */
export class ChangeFold {
  readonly #tables: ReadonlyMap<string, FoldedTable>;
  /** Rows that are copies of ours, which may be written to; most rows of a batch are touched once and need none. */
  readonly #owned = new Set<RowChange>();

  constructor(tables: readonly TableSpec[]) {
    this.#tables = new Map(tables.map((spec) => [spec.name, { spec, rows: new Map<string, RowChange>() }]));
  }

  /** Rows touched so far. */
  get size(): number {
    let size = 0;
    for (const { rows } of this.#tables.values()) size += rows.size;
    return size;
  }

  add(change: RowChange): void {
    const table = this.#tables.get(change.table);
    assert(table !== undefined, `the projection has no table ${change.table}`);
    const id = identityOf(change.key);
    const row = table.rows.get(id);
    if (row === undefined) table.rows.set(id, change);
    else this.#join(table.spec, this.#own(table, id, row), change);
  }

  changes(): readonly RowChange[] {
    return [...this.#tables.values()].flatMap(({ rows }) => [...rows.values()]);
  }

  #own({ rows }: FoldedTable, id: string, row: RowChange): RowChange {
    if (this.#owned.has(row)) return row;
    const copy = { ...row, set: { ...row.set }, stamps: { ...row.stamps } };
    this.#owned.add(copy);
    rows.set(id, copy);
    return copy;
  }

  #join(table: TableSpec, row: RowChange, change: RowChange): void {
    const set = row.set as Writable<RowChange['set']>;
    const stamps = row.stamps as Record<string, Stamp>;
    // Columns of a group stand together, and all are won by one order.
    let group: string | undefined;
    let order = 0;
    for (const name in change.set) {
      const column = table.columns[name];
      if (column === undefined) throw new InvariantError(`the table ${change.table} has no column ${name}`);
      const theirs = change.set[name] as ColumnValue;
      const mine = set[name];
      if (mine === undefined) {
        set[name] = theirs;
        continue;
      }
      if (column.stamp !== undefined && column.stamp !== group) {
        group = column.stamp;
        order = stampOrder(group, stamps, change);
      }
      set[name] = joinValues(column, mine, theirs, order);
    }
    for (const name in change.stamps) stamps[name] = greater(stamps[name], change.stamps[name] as Stamp);
  }
}

/** The key as one text; a key of one text is that text and costs nothing. A length behind each further text keeps two from running together. */
function identityOf(key: RowChange['key']): string {
  let id: string | undefined;
  for (const name in key) {
    const part = key[name] as string | number | bigint;
    if (id === undefined) id = String(part);
    else id = typeof part === 'string' ? `${id}/${part}:${part.length}` : `${id}/${part}`;
  }
  return id ?? '';
}

function greater(a: Stamp | undefined, b: Stamp): Stamp {
  return a === undefined || compareValues(b, a) > 0 ? b : a;
}

/** The sign of (stamp of the row) - (stamp of the change). */
function stampOrder(group: string, stamps: Readonly<Record<string, Stamp>>, change: RowChange): number {
  const mine = stamps[group];
  const theirs = change.stamps?.[group];
  if (theirs === undefined) throw new InvariantError(`a change of ${change.table} has no stamp ${group}`);
  if (mine === undefined) return -1;
  return compareValues(mine, theirs);
}

/** Joins changes into at most one per table and key. */
export function foldChanges(tables: readonly TableSpec[], changes: Iterable<RowChange>): readonly RowChange[] {
  const fold = new ChangeFold(tables);
  for (const change of changes) fold.add(change);
  return fold.changes();
}

const stampGroups = new WeakMap<TableSpec, ReadonlyArray<readonly string[]>>();

/** Columns by stamp, worked out once per table: projections are checked row by row. */
function stampGroupsOf(table: TableSpec): ReadonlyArray<readonly string[]> {
  let groups = stampGroups.get(table);
  if (groups === undefined) {
    const byStamp = new Map<string, string[]>();
    for (const [name, { stamp }] of Object.entries(table.columns)) {
      if (stamp !== undefined) byStamp.set(stamp, [...(byStamp.get(stamp) ?? []), name]);
    }
    groups = [...byStamp.values()];
    stampGroups.set(table, groups);
  }
  return groups;
}

const none: readonly string[] = [];

/**
 * The columns that a change leaves out of a stamp group it writes; empty when the change keeps the law. A column left out
 * would keep what another order of the same events gave it.
 */
export function wholeStampGroups(table: TableSpec, change: RowChange): readonly string[] {
  let missing = none;
  for (const group of stampGroupsOf(table)) {
    let written = 0;
    for (const name of group) if (change.set[name] !== undefined) written++;
    if (written > 0 && written < group.length) missing = [...missing, ...group.filter((name) => change.set[name] === undefined)];
  }
  return missing;
}

/** The columns whose values must have a certain shape. */
export function structuredColumns(table: TableSpec): readonly string[] {
  return Object.keys(table.columns).filter((name) => isStructured(table.columns[name] as ColumnSpec));
}

/** Why a value cannot be joined into a column; undefined when it can. */
export function columnFault(table: TableSpec, name: string, value: ColumnValue | undefined): string | undefined {
  const column = table.columns[name];
  if (column === undefined) return `${table.name} has no column ${name}`;
  if (value === null || value === undefined || !isStructured(column)) return undefined;
  return isOfJoin(column, value) ? undefined : `${table.name}.${name}: ${JSON.stringify(value)} is no value of the join ${column.join}`;
}

function isStructured({ join }: ColumnSpec): boolean {
  return join === 'enum' || join === 'counter' || join === 'set' || join === 'register';
}

function isOfJoin({ join, stages }: ColumnSpec, value: ColumnValue): boolean {
  if (join === 'enum') return stages?.includes(value as string) === true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  const isEntry = join === 'counter' ? isCount : isDotValue;
  return Object.values(value as object).every(isEntry);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isDotValue(value: unknown): boolean {
  return value === null || typeof value === 'string';
}
