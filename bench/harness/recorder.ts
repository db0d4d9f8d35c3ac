import type { Bar, BenchContext, Cell } from './bench.ts';

/** Collects what one benchmark reports. */
export class Recorder implements BenchContext {
  readonly quick: boolean;
  readonly bars: Bar[] = [];
  readonly rows: Cell[][] = [];

  constructor(quick: boolean) {
    this.quick = quick;
  }

  bar(id: string, value: number, unit: string, goal: string | number, ok: boolean, peer?: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`bar ${id}: ${value} is not a measurement`);
    if (this.bars.some((bar) => bar.id === id)) throw new RangeError(`bar ${id} is stated twice`);
    this.bars.push({ id, value: rounded(value), unit, goal: String(goal), peer: peer === undefined ? null : rounded(peer), ok });
  }

  row(...cells: readonly Cell[]): void {
    this.rows.push([...cells]);
  }
}

/** Four significant digits: more would claim a precision that a benchmark does not have. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}
