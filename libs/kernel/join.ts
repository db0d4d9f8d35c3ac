import { assert } from './assert.ts';
import type { ColumnSpec, ColumnValue, RowChange, TableSpec } from './projection.ts';

/**
 * A total order of the values of one column, the same as PostgreSQL's for that column's type: numbers and bigints by
 * size, false before true, text by code point (collation "C"), plain data by its JSON text.
 */
export function compareValues(a: ColumnValue, b: ColumnValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'object' || typeof b === 'object') return compareText(JSON.stringify(a), JSON.stringify(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By code point: UTF-16 code units would put U+1F600 before U+FF5E. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === length) return a.length - b.length;
  return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
}

/** Moves surrogates, which begin code points from U+10000 on, behind the rest of the basic plane. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The greater of two values, or the smaller; null loses. */
function pick(join: 'max' | 'min', a: ColumnValue, b: ColumnValue): ColumnValue {
  if (a === null) return b;
  if (b === null) return a;
  const order = compareValues(a, b);
  return (join === 'max' ? order >= 0 : order <= 0) ? a : b;
}

/** Joins two values of a column. `stampOrder` is the sign of (stamp of a) - (stamp of b); only `lww` looks at it. */
export function joinValues(column: ColumnSpec, a: ColumnValue, b: ColumnValue, stampOrder = 0): ColumnValue {
  if (column.join === 'min') return pick('min', a, b);
  if (column.join === 'lww' && stampOrder !== 0) return stampOrder > 0 ? a : b;
  return pick('max', a, b);
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
    const stamps = row.stamps as Record<string, bigint>;
    for (const name in change.set) {
      const column = table.columns[name];
      assert(column !== undefined, `the table ${change.table} has no column ${name}`);
      const theirs = change.set[name] as ColumnValue;
      const mine = set[name];
      set[name] = mine === undefined ? theirs : joinValues(column, mine, theirs, stampOrder(column, stamps, change));
    }
    for (const name in change.stamps) stamps[name] = greater(stamps[name], change.stamps[name] as bigint);
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

function greater(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a;
}

function stampOrder(column: ColumnSpec, stamps: Readonly<Record<string, bigint>>, change: RowChange): number {
  if (column.join !== 'lww') return 0;
  const group = column.stamp as string;
  const mine = stamps[group];
  const theirs = change.stamps?.[group];
  assert(theirs !== undefined, `a change of ${change.table} has no stamp ${group}`);
  if (mine === undefined) return -1;
  return mine > theirs ? 1 : mine < theirs ? -1 : 0;
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
