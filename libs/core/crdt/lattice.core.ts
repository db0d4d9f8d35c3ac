/**
 * A join semilattice: `join` is associative, commutative and idempotent, and `bottom` adds nothing. States of replicas
 * that were joined in any order, any number of times, are equal (Shapiro et al., "Conflict-free Replicated Data Types", 2011).
 */
export interface Lattice<State> {
  readonly bottom: State;
  join(a: State, b: State): State;
}

/** The join of many states. */
export function joinAll<State>({ bottom, join }: Lattice<State>, states: Iterable<State>): State {
  let joined = bottom;
  for (const state of states) joined = join(joined, state);
  return joined;
}
