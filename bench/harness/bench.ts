/** One measured promise: a value, its goal, and whether it was reached. */
export interface Bar {
  /** Stable, dotted: `log.append.batch`. */
  readonly id: string;
  readonly value: number;
  /** `1/s`, `ms`, `x`, `MB` … */
  readonly unit: string;
  /** As a person reads it: `>= 100000`. */
  readonly goal: string;
  /** The same measure of the named peer in the same run; null when there is none. */
  readonly peer: number | null;
  readonly ok: boolean;
}

export type Cell = string | number;

/** What a benchmark gets: where to say what it measured. */
export interface BenchContext {
  /** Measure for seconds instead of minutes; the bars stay the same. */
  readonly quick: boolean;
  /** States a bar. A bar that is not `ok` makes the command fail. */
  bar(id: string, value: number, unit: string, goal: string | number, ok: boolean, peer?: number): void;
  /** Adds a row to the table. The first row is its heading. */
  row(...cells: readonly Cell[]): void;
}

/** A file `bench/NAME.bench.ts` exports one of these as `bench`. */
export interface Bench {
  readonly name: string;
  /** One line: what is measured, against what. */
  readonly summary: string;
  run(context: BenchContext): Promise<void>;
}
