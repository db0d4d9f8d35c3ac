import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { elementsOf, joinDots, totalOf, type Dots } from '#kernel';
import { mvRegister, orSet, type Causal } from './causal.core.ts';
import { contextOf, hasSeen, joinContexts, nextDot, nothingSeen, type Dot } from './causal-context.core.ts';
import { add, gCounter, increment, pnCounter, valueOf, type PnCounts } from './counter.core.ts';
import { joinAll, type Lattice } from './lattice.core.ts';
import { enumLattice, lwwRegister, maxRegister } from './register.core.ts';

const origins = ['north', 'south', '__proto__'] as const;
const origin = fc.constantFrom(...origins);
const element = fc.constantFrom('a', 'b', '\uff5e', '\u{1f600}');

/** What one replica does, and whose state it takes in before. */
interface Act {
  readonly at: number;
  readonly hears: number;
  readonly element: string;
  readonly removes: boolean;
}

const acts = fc.array(fc.record({ at: fc.nat({ max: 2 }), hears: fc.nat({ max: 2 }), element, removes: fc.boolean() }), { maxLength: 14 });

/** Three replicas that act and now and then hear of each other; all deltas and all states that there ever were. */
function lived<State>(lattice: Lattice<State>, history: readonly Act[], act: (state: State, origin: string, one: Act) => State) {
  const replicas = origins.map(() => lattice.bottom);
  const deltas: State[] = [];
  const states: State[] = [lattice.bottom];
  for (const one of history) {
    const heard = lattice.join(replicas[one.at] as State, replicas[one.hears] as State);
    const delta = act(heard, origins[one.at] as string, one);
    deltas.push(delta);
    states.push((replicas[one.at] = lattice.join(heard, delta)));
  }
  return { replicas, deltas, states };
}

const setAct = (state: Causal<string>, who: string, one: Act): Causal<string> =>
  one.removes ? orSet.remove(state, one.element) : orSet.add(state, who, one.element);
const registerAct = (state: Causal<string>, who: string, one: Act): Causal<string> => mvRegister.write(state, who, one.element);
const pnAct = (state: PnCounts, who: string, one: Act): PnCounts => add(state, who, one.removes ? -1 : one.element.length);

/** Maps in one order, so that equal states are equal for `toEqual` and for texts. */
function plain(state: unknown): unknown {
  if (state instanceof Map) return [...state].map(([key, value]) => [key, plain(value)] as const).sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  if (state instanceof Set) return [...(state as Set<number>)].sort((a, b) => a - b);
  if (typeof state !== 'object' || state === null) return state;
  return Object.entries(state)
    .map(([key, value]) => [key, plain(value)] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

/** Three states of one history each, because states with dots that mean different things cannot be joined. */
function statesOf<State>(lattice: Lattice<State>, act: (state: State, origin: string, one: Act) => State): fc.Arbitrary<readonly [State, State, State]> {
  return fc.tuple(acts, fc.nat(), fc.nat(), fc.nat()).map(([history, ...picks]) => {
    const { states, deltas } = lived(lattice, history, act);
    const all = [...states, ...deltas];
    return picks.map((pick) => all[pick % all.length]) as unknown as readonly [State, State, State];
  });
}

const counts = fc.dictionary(origin, fc.nat({ max: 5 }));
const three = <State>(one: fc.Arbitrary<State>) => fc.tuple(one, one, one);
const stages = ['announced', 'live', 'ended'] as const;
const written = fc.option(fc.record({ stamp: fc.constantFrom('1-a', '1-b', '2-a'), value: fc.nat({ max: 3 }) }), { nil: undefined });

describe.each<readonly [string, Lattice<unknown>, fc.Arbitrary<readonly [unknown, unknown, unknown]>]>([
  ['max register', maxRegister<bigint>() as Lattice<unknown>, three(fc.option(fc.bigInt(0n, 4n), { nil: undefined }))],
  ['enum lattice', enumLattice(stages) as Lattice<unknown>, three(fc.constantFrom(...stages))],
  ['LWW register', lwwRegister<number>() as Lattice<unknown>, three(written)],
  ['G counter', gCounter as Lattice<unknown>, three(counts)],
  ['PN counter', pnCounter as Lattice<unknown>, three(fc.record({ added: counts, taken: counts }))],
  ['OR set', orSet as Lattice<unknown>, statesOf(orSet, setAct)],
  ['MV register', mvRegister as Lattice<unknown>, statesOf(mvRegister, registerAct)],
])('%s', (_name, lattice, states) => {
  test('joins in any order, any grouping, any number of times, and bottom adds nothing', () => {
    fc.assert(
      fc.property(states, ([a, b, c]) => {
        const { join, bottom } = lattice;
        expect(plain(join(a, b))).toEqual(plain(join(b, a)));
        expect(plain(join(join(a, b), c))).toEqual(plain(join(a, join(b, c))));
        expect(plain(join(join(a, b), b))).toEqual(plain(join(a, b)));
        expect(plain(join(a, bottom))).toEqual(plain(join(a, a)));
      }),
    );
  });
});

describe('deltas', () => {
  const shuffledTwice = <Item>(items: readonly Item[], seed: number): Item[] =>
    [...items, ...items]
      .map((item, at) => ({ item, at: (at * 7919 + seed) % 101 }))
      .sort((a, b) => a.at - b.at || 1)
      .map(({ item }) => item);

  test.each([
    ['OR set', orSet, setAct],
    ['MV register', mvRegister, registerAct],
  ] as const)('of an %s, in any order and twice, give what the replicas come to', (_name, lattice, act) => {
    fc.assert(
      fc.property(acts, fc.nat(), (history, seed) => {
        const { replicas, deltas } = lived(lattice, history, act);
        expect(plain(joinAll(lattice, shuffledTwice(deltas, seed)))).toEqual(plain(joinAll(lattice, replicas)));
      }),
    );
  });

  test('of counters: each origin adds to its own share', () => {
    fc.assert(
      fc.property(acts, fc.nat(), (history, seed) => {
        const { deltas } = lived(pnCounter, history, pnAct);
        const expected = history.reduce((sum, one) => sum + (one.removes ? -1 : one.element.length), 0);
        expect(valueOf(joinAll(pnCounter, shuffledTwice(deltas, seed)))).toBe(expected);
      }),
    );
    expect(totalOf(gCounter.join(increment({}, '__proto__', 2), increment({}, 'north', 3)))).toBe(5);
    expect(() => increment({}, 'north', -1)).toThrow('whole numbers');
  });
});

describe('an OR set', () => {
  test('keeps an element that was added again while another replica removed it', () => {
    const first = orSet.add(orSet.bottom, 'north', 'a');
    const again = orSet.join(first, orSet.add(first, 'south', 'a'));
    const removed = orSet.join(first, orSet.remove(first, 'a'));
    expect(orSet.elements(removed)).toEqual([]);
    expect(orSet.elements(orSet.join(removed, again))).toEqual(['a']);
    expect(orSet.elements(orSet.join(again, orSet.remove(again, 'a')))).toEqual([]);
  });

  test('needs no tombstones: what was removed leaves its dot in the vector alone', () => {
    let state = orSet.bottom;
    for (let round = 0; round < 100; round++) {
      state = orSet.join(state, orSet.add(state, 'north', 'a'));
      state = orSet.join(state, orSet.remove(state, 'a'));
    }
    expect(state).toEqual({ live: new Map(), context: { upTo: new Map([['north', 100]]), beyond: new Map() } });
  });

  test('and a `set` column, fed with the same writes as dots and tombstones, hold the same elements', () => {
    fc.assert(
      fc.property(acts, (history) => {
        const dotsOf = ({ live, context }: Causal<string>, before: Causal<string>): Dots => ({
          ...Object.fromEntries([...before.live].filter(([, { dot }]) => hasSeen(context, dot)).map(([text]) => [text, null])),
          ...Object.fromEntries([...live].map(([text, { value }]) => [text, value])),
        });
        let column: Dots = {};
        const { replicas } = lived(orSet, history, (state, who, one) => {
          const delta = setAct(state, who, one);
          column = joinDots(column, dotsOf(delta, state));
          return delta;
        });
        expect(elementsOf(column)).toEqual(orSet.elements(joinAll(orSet, replicas)));
      }),
    );
  });
});

test('a multi-value register shows what nobody has decided between', () => {
  const [north, south] = [mvRegister.write(mvRegister.bottom, 'north', 'red'), mvRegister.write(mvRegister.bottom, 'south', 'blue')];
  const both = mvRegister.join(north, south);
  expect(mvRegister.values(both)).toEqual(['blue', 'red']);
  expect(mvRegister.values(mvRegister.join(both, mvRegister.write(both, 'north', 'green')))).toEqual(['green']);
});

describe('a causal context', () => {
  const dot: fc.Arbitrary<Dot> = fc.record({ origin, n: fc.integer({ min: 1, max: 6 }) });

  test('has seen exactly what it was made of, however it was put together', () => {
    fc.assert(
      fc.property(fc.array(dot), fc.array(dot), (a, b) => {
        const joined = joinContexts(contextOf(a), contextOf(b));
        expect(plain(joined)).toEqual(plain(contextOf([...a, ...b])));
        const all = new Set([...a, ...b].map((one) => `${one.n}@${one.origin}`));
        for (const who of origins) for (let n = 1; n <= 7; n++) expect(hasSeen(joined, { origin: who, n })).toBe(all.has(`${n}@${who}`));
      }),
    );
  });

  test('never gives a dot twice', () => {
    const context = contextOf([1, 2, 5].map((n) => ({ origin: 'north', n })));
    expect(nextDot(context, 'north')).toEqual({ origin: 'north', n: 6 });
    expect(nextDot(nothingSeen, 'north')).toEqual({ origin: 'north', n: 1 });
  });
});

test('stages that are none are refused', () => {
  expect(() => enumLattice(['a', 'a'])).toThrow('told apart');
  expect(() => enumLattice(stages).join('live', 'paused' as 'live')).toThrow('"paused" is none of');
});
