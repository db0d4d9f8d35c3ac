import { assert, joinCounts, totalOf, type Counts } from '#kernel';
import type { Lattice } from './lattice.core.ts';

/** A counter that only grows; each origin adds to its own share. */
export const gCounter: Lattice<Counts> = { bottom: {}, join: joinCounts };

/** The delta of an origin that counts on: its new share, which joins into any state. */
export function increment(counts: Counts, origin: string, by: number): Counts {
  assert(Number.isSafeInteger(by) && by >= 0, `a counter grows by whole numbers, not by ${by}`);
  return Object.fromEntries([[origin, (Object.hasOwn(counts, origin) ? (counts[origin] as number) : 0) + by]]);
}

/** Two growing counters: what was added, and what was taken away. */
export interface PnCounts {
  readonly added: Counts;
  readonly taken: Counts;
}

/** A counter that goes both ways. */
export const pnCounter: Lattice<PnCounts> = {
  bottom: { added: {}, taken: {} },
  join: (a, b) => ({ added: joinCounts(a.added, b.added), taken: joinCounts(a.taken, b.taken) }),
};

/** The delta of an origin that adds `by`, or takes it away when it is negative. */
export function add({ added, taken }: PnCounts, origin: string, by: number): PnCounts {
  return by >= 0 ? { added: increment(added, origin, by), taken: {} } : { added: {}, taken: increment(taken, origin, -by) };
}

export function valueOf({ added, taken }: PnCounts): number {
  return totalOf(added) - totalOf(taken);
}
