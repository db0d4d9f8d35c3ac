import { assert, compareText, compareValues, joinStages } from '#kernel';
import type { Lattice } from './lattice.core.ts';

type Ordered = string | number | bigint | boolean;

/** Keeps the greatest value; undefined before the first. */
export function maxRegister<Value extends Ordered>(): Lattice<Value | undefined> {
  return { bottom: undefined, join: (a, b) => (a === undefined || (b !== undefined && compareValues(b, a) > 0) ? b : a) };
}

/** Keeps the latest of stages that only go forward. */
export function enumLattice<const Stage extends string>(stages: readonly Stage[]): Lattice<Stage> {
  const [bottom] = stages;
  assert(bottom !== undefined && new Set(stages).size === stages.length, 'stages are told apart, and there is a first');
  return { bottom, join: (a, b) => joinStages(stages, a, b) as Stage };
}

/** A value with the text of the time at which it was written ({@link hlcText}). */
export interface LwwState<Value> {
  readonly stamp: string;
  readonly value: Value;
}

/**
 * Keeps the value that was written last. Stamps are unique per write; should two writes share one, the greater value wins
 * everywhere, so that replicas agree even then.
 */
export function lwwRegister<Value extends Ordered>(): Lattice<LwwState<Value> | undefined> {
  return {
    bottom: undefined,
    join(a, b) {
      if (a === undefined || b === undefined) return a ?? b;
      return (compareText(a.stamp, b.stamp) || compareValues(a.value, b.value)) >= 0 ? a : b;
    },
  };
}
