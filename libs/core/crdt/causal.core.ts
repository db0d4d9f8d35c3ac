import { compareText } from '#kernel';
import { contextOf, hasSeen, joinContexts, nextDot, nothingSeen, type CausalContext, type Dot } from './causal-context.core.ts';
import type { Lattice } from './lattice.core.ts';

/** A write that counts. */
export interface Write<Value> {
  readonly dot: Dot;
  readonly value: Value;
}

/**
 * The writes that count, by the text of their dots, and all that were seen. What was seen and does not count was removed: no tombstone is kept
 * (Bieniusa et al., "An optimized conflict-free replicated set", 2012; the join is that of Almeida, Shoker, Baquero,
 * "Delta state replicated data types", 2018, section 7.2). A delta is a state like any other and joins like one.
 */
export interface Causal<Value> {
  readonly live: ReadonlyMap<string, Write<Value>>;
  readonly context: CausalContext;
}

const bottom: Causal<never> = { live: new Map(), context: nothingSeen };

/** The number stands first, because an origin may be called anything. */
function textOf({ origin, n }: Dot): string {
  return `${n}@${origin}`;
}

function join<Value>(a: Causal<Value>, b: Causal<Value>): Causal<Value> {
  const live = new Map<string, Write<Value>>();
  for (const [text, write] of a.live) if (b.live.has(text) || !hasSeen(b.context, write.dot)) live.set(text, write);
  for (const [text, write] of b.live) if (!hasSeen(a.context, write.dot)) live.set(text, write);
  return { live, context: joinContexts(a.context, b.context) };
}

export function causal<Value>(): Lattice<Causal<Value>> {
  return { bottom, join };
}

/** The delta that writes a value in place of some writes that were seen. */
function written<Value>({ context }: Causal<Value>, origin: string, value: Value, replaced: readonly Write<Value>[]): Causal<Value> {
  const dot = nextDot(context, origin);
  return { live: new Map([[textOf(dot), { dot, value }]]), context: contextOf([dot, ...replaced.map((write) => write.dot)]) };
}

function writesOf(state: Causal<string>, element: string): readonly Write<string>[] {
  return [...state.live.values()].filter(({ value }) => value === element);
}

/** Observed-remove set (add wins): removing takes away the additions that the remover has seen, and no others. */
export const orSet = {
  ...causal<string>(),
  /** The delta of adding; earlier additions of the element that were seen are replaced, so that there is one per origin at most. */
  add: (state: Causal<string>, origin: string, element: string): Causal<string> => written(state, origin, element, writesOf(state, element)),
  /** The delta of removing; nothing when the element is not there. */
  remove: (state: Causal<string>, element: string): Causal<string> => ({
    live: new Map(),
    context: contextOf(writesOf(state, element).map(({ dot }) => dot)),
  }),
  elements,
};

/** Multi-value register: writes that knew nothing of each other stand side by side, until one that saw them replaces them. */
export const mvRegister = {
  ...causal<string>(),
  /** The delta of writing in place of all that is seen. */
  write: (state: Causal<string>, origin: string, value: string): Causal<string> => written(state, origin, value, [...state.live.values()]),
  values: elements,
};

/** Each value once, by code point. */
function elements({ live }: Causal<string>): readonly string[] {
  return [...new Set([...live.values()].map(({ value }) => value))].sort(compareText);
}
