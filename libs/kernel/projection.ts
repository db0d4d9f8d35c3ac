/**
 * A projection as a lattice: an event maps to partial rows, and every column has a join that is associative,
 * commutative and idempotent. Folding in memory, writing to SQL and merging two regions are then the same operation,
 * and order, repetition and interleaving cannot change the result.
 */

/**
 * What a column can hold. `bigint` travels as a JavaScript bigint, `count` as a whole JavaScript number up to 2^53 (what an event
 * tells as a number is one already, and costs a tenth), `json` as plain data, `timestamp` as integer ms since the Unix epoch.
 */
export type ColumnType = 'text' | 'integer' | 'bigint' | 'count' | 'double' | 'boolean' | 'json' | 'timestamp';

/**
 * How two values of a column merge.
 * - `once`: set by one event and never changed; the joined values are equal by construction (max breaks a tie).
 * - `max` / `min`: the greater / smaller value wins; null loses.
 * - `lww`: the value written with the greater stamp wins (last writer wins). Columns of one stamp name are a group that is
 *   written and won as a whole: a change that sets one of them sets all, or the join would not be a join. Stamps of one
 *   row and group are unique per write; equal stamps come with equal values.
 * - `hlc`: as `lww`, for writers in several places: the stamp is the text of a hybrid logical clock with its origin, by
 *   which what was written after something else also counts as later (`hlcText` in `#core/crdt`).
 * - `enum` (text): the later of `stages`, a life that only goes forward.
 * - `counter` (json): `Counts`, of each origin the greater count; `totalOf` reads it. A value grows with its origins:
 *   where they are many, a row per origin with a `max` is the same counter.
 * - `set` (json): `Dots`, added and removed by dots; `elementsOf` reads it.
 * - `register` (json): `Dots`; a write undoes the dots that its writer saw, so that writes which knew nothing of each
 *   other stand side by side in `elementsOf` until somebody decides (multi-value register).
 */
export type ColumnJoin = 'once' | 'max' | 'min' | 'lww' | 'hlc' | 'enum' | 'counter' | 'set' | 'register';

/** Orders the writes of a stamp group: a number of one writer's, or the text of a hybrid logical clock and its origin. */
export type Stamp = bigint | string;

export interface ColumnSpec {
  readonly type: ColumnType;
  readonly join: ColumnJoin;
  /** For `lww` and `hlc`: the name of the stamp that orders the writes. One stamp column is kept per name. */
  readonly stamp?: string;
  /** For `enum`: the values that there are, from the first to the last. */
  readonly stages?: readonly string[];
}

/** Rows that nobody tells of any more leave their table, where a time is set for it (`RowRetention`). */
export interface RowExpiry {
  /**
   * The column (`max`, or `once` where one event alone writes a row) with the time of the newest event of a row, ms since the
   * Unix epoch; every change sets it. Once it is older than rows are kept, readers do not see the row, and it is removed.
   */
  readonly newest: string;
  /**
   * The column (`min` or `once`) with the time of the oldest; every change sets it. A row that reaches back beyond the horizon
   * may have been removed and begun anew since: it is not compared with what a rebuild makes of all its events.
   */
  readonly oldest: string;
}

export interface TableSpec {
  /** snake_case; the table's name within its projection's schema, and of the view that readers use. */
  readonly name: string;
  /** Primary key columns in order; all are `text` or `integer` or `bigint`. */
  readonly key: Readonly<Record<string, 'text' | 'integer' | 'bigint'>>;
  readonly columns: Readonly<Record<string, ColumnSpec>>;
  /**
   * The key column with the region that the row's events were written in, as this region names it, and empty for this one: where
   * two regions may give one name to two things. Others have another name in it, so their rows are compared without it.
   */
  readonly originKey?: string;
  /**
   * Columns that hold personal values, encrypted as the log has them, and decrypted for those who read. Where equal values of
   * a subject are encrypted alike, `identifies` is the kind of subject that a value names.
   */
  readonly personal?: Readonly<Record<string, { readonly identifies?: string }>>;
  /** Secondary indexes, each a list of columns. */
  readonly indexes?: readonly (readonly string[])[];
  readonly expires?: RowExpiry;
}

export type ColumnValue = string | number | bigint | boolean | null | Readonly<Record<string, unknown>> | readonly unknown[];

/** A partial row: the columns that one event sets. A column not named is left as it is. */
export interface RowChange {
  readonly table: string;
  readonly key: Readonly<Record<string, string | number | bigint>>;
  readonly set: Readonly<Record<string, ColumnValue>>;
  /** Stamp per stamp name, for the `lww` and `hlc` columns in `set`. */
  readonly stamps?: Readonly<Record<string, Stamp>>;
}

export interface Projection<Event> {
  /** snake_case, unique. */
  readonly name: string;
  /** Raised whenever `tables` or `project` change their result: a new version is built in its own schema. */
  readonly version: number;
  /** Topics read. */
  readonly contexts: readonly string[];
  /** Event types that `project` handles. A type of a read context that is in neither list stops the consumer. */
  readonly handles: readonly string[];
  readonly ignores: readonly string[];
  readonly tables: readonly TableSpec[];
  /**
   * By table, the key column that holds the key of the events that write the row: its past is then in one partition. A
   * table that is not named has rows of events with other keys.
   */
  readonly partitionedBy?: Readonly<Record<string, string>>;
  /** Pure. `recordedAtMs` is when the log took the event; left out by those who ask for keys alone. */
  project(event: Event, recordedAtMs?: number): readonly RowChange[];
}
