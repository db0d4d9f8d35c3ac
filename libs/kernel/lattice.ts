import { assert } from './assert.ts';
import { compareText } from './compare.ts';

/** A grow-only counter: what each origin has counted, a whole number that only grows. The total is their sum. */
export type Counts = Readonly<Record<string, number>>;

/**
 * Writes by their dots, a dot being a name that no other write has (an event id). A null is a tombstone: the write of that
 * dot was seen and undone. An element that is added again gets another dot, so a late removal does not take it away
 * (observed-remove). Two dots with values that know nothing of each other stand side by side: concurrent writes.
 */
export type Dots = Readonly<Record<string, string | null>>;

/** Of each origin, the greater count. */
export function joinCounts(a: Counts, b: Counts): Counts {
  return joinEntries(a, b, (mine, theirs) => Math.max(mine, theirs));
}

export function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Of each dot, its tombstone where there is one. */
export function joinDots(a: Dots, b: Dots): Dots {
  // A dot comes with one value; should a writer break that, the greater one keeps this a join.
  return joinEntries(a, b, (mine, theirs) => (mine === null || theirs === null ? null : compareText(mine, theirs) >= 0 ? mine : theirs));
}

/** The values that are not undone, each once, by code point. */
export function elementsOf(dots: Dots): readonly string[] {
  return [...new Set(Object.values(dots).filter((value) => value !== null))].sort(compareText);
}

/** The later of two stages of a life that only goes forward. */
export function joinStages(stages: readonly string[], a: string, b: string): string {
  const [mine, theirs] = [stages.indexOf(a), stages.indexOf(b)];
  assert(mine >= 0 && theirs >= 0, `"${mine < 0 ? a : b}" is none of ${stages.join(', ')}`);
  return mine >= theirs ? a : b;
}

/** Origins may be called anything, `__proto__` too: a map takes every name for what it is. */
function joinEntries<Value>(a: Readonly<Record<string, Value>>, b: Readonly<Record<string, Value>>, join: (mine: Value, theirs: Value) => Value) {
  const joined = new Map(Object.entries(a));
  for (const [name, theirs] of Object.entries(b)) {
    const mine = joined.get(name);
    joined.set(name, mine === undefined ? theirs : join(mine, theirs));
  }
  return Object.fromEntries([...joined].sort(([one], [other]) => compareText(one, other)));
}
