import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareValues } from './compare.ts';
import { columnFault, foldChanges, wholeStampGroups } from './join.ts';
import type { RowChange, TableSpec } from './projection.ts';

const table: TableSpec = {
  name: 't',
  key: { id: 'text', n: 'bigint' },
  columns: {
    born: { type: 'text', join: 'once' },
    most: { type: 'bigint', join: 'max' },
    least: { type: 'integer', join: 'min' },
    flag: { type: 'boolean', join: 'max' },
    a: { type: 'text', join: 'lww', stamp: 's' },
    b: { type: 'json', join: 'lww', stamp: 's' },
    c: { type: 'text', join: 'hlc', stamp: 'h' },
    stage: { type: 'text', join: 'enum', stages: ['first', 'later', 'a-last'] },
    counts: { type: 'json', join: 'counter' },
    elements: { type: 'json', join: 'set' },
    versions: { type: 'json', join: 'register' },
  },
};

const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null });
const entries = <T>(values: fc.Arbitrary<T>) => optional(fc.dictionary(fc.constantFrom('n', 's', '__proto__'), values));
const dots = entries(optional(fc.constantFrom('a', 'b')));
const change: fc.Arbitrary<RowChange> = fc
  .record({
    id: fc.constantFrom('x', 'y'),
    n: fc.constantFrom(1n, 2n),
    born: optional(fc.constant('once')),
    most: optional(fc.bigInt(0n, 5n)),
    least: optional(fc.integer({ min: 0, max: 5 })),
    flag: optional(fc.boolean()),
    stage: fc.constantFrom(null, 'first', 'later', 'a-last'),
    counts: entries(fc.nat({ max: 4 })),
    elements: dots,
    versions: dots,
    hlc: optional(fc.record({ c: optional(fc.string({ maxLength: 2 })), stamp: fc.constantFrom('1-a', '1-b', '2-\uff5e', '2-\u{1f600}') })),
    lww: optional(fc.record({ a: optional(fc.string({ maxLength: 2 })), b: optional(fc.record({ v: fc.integer() })), stamp: fc.bigInt(0n, 3n) })),
  })
  .map(({ id, n, lww, hlc, ...columns }) => {
    const set = { ...columns, ...(lww === null ? {} : { a: lww.a, b: lww.b }), ...(hlc === null ? {} : { c: hlc.c }) };
    const stamps = { ...(lww === null ? {} : { s: lww.stamp }), ...(hlc === null ? {} : { h: hlc.stamp }) };
    return { table: 't', key: { id, n }, set, stamps };
  });

/** One text per set of rows, whatever the order in which they were touched. */
function digest(changes: readonly RowChange[]): string {
  const rows = changes.map(({ table: name, key, set, stamps }) => [name, sorted(key), sorted(set), sorted(stamps ?? {})]);
  return rows
    .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : isPlain(value) ? sorted(value) : value)))
    .sort()
    .join('\n');
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(fields: object): unknown[] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

const fold = (changes: readonly RowChange[]): readonly RowChange[] => foldChanges([table], changes);

describe('the join of changes is a lattice', () => {
  test('commutative and idempotent: any order, any repetition', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (changes, dice) => {
        const shuffled = [...changes, ...changes.slice(0, 3)].map((one) => ({ one, at: dice.next().value as number })).sort((a, b) => a.at - b.at);
        expect(digest(fold(shuffled.map(({ one }) => one)))).toBe(digest(fold(changes)));
      }),
    );
  });

  test('associative: folding parts and then the parts gives the same', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.array(change, { maxLength: 6 }), (left, right) => {
        expect(digest(fold([...fold(left), ...fold(right)]))).toBe(digest(fold([...left, ...right])));
      }),
    );
  });

  test('does not write to what it was given', () => {
    const first: RowChange = Object.freeze({ table: 't', key: { id: 'x', n: 1n }, set: Object.freeze({ most: 1n }) });
    expect(fold([first, { ...first, set: { most: 2n } }])).toEqual([{ ...first, set: { most: 2n }, stamps: {} }]);
  });

  test('keys that would run into each other when glued stay apart', () => {
    const at = (id: string, n: bigint): RowChange => ({ table: 't', key: { id, n }, set: {} });
    expect(fold([at('a\u00001:1', 1n), at('a', 11n), at('a1', 1n)])).toHaveLength(3);
  });
});

test.each([
  ['\u{1f600}', '\uff5e', 1],
  ['a', 'ab', -1],
  ['a', 'B', 1],
  [2, 10, -1],
  [10n, 9n, 1],
  [false, true, -1],
])('%j against %j', (a, b, sign) => {
  expect(Math.sign(compareValues(a, b))).toBe(sign);
  expect(Math.sign(compareValues(b, a))).toBe(-sign);
});

test('a change that leaves out a column of a stamp group is named', () => {
  expect(wholeStampGroups(table, { table: 't', key: { id: 'x', n: 1n }, set: { a: 'v' }, stamps: { s: 1n } })).toEqual(['b']);
  expect(wholeStampGroups(table, { table: 't', key: { id: 'x', n: 1n }, set: { most: 1n } })).toEqual([]);
});

test('a table or column that the projection does not have is refused', () => {
  const key = { id: 'x', n: 1n };
  expect(() =>
    fold([
      { table: 'u', key, set: {} },
      { table: 'u', key, set: {} },
    ]),
  ).toThrow('no table u');
  expect(() =>
    fold([
      { table: 't', key, set: {} },
      { table: 't', key, set: { z: 1 } },
    ]),
  ).toThrow('no column z');
});

test.each([
  ['stage', 'unheard-of'],
  ['counts', { north: -1 }],
  ['counts', { north: 1.5 }],
  ['counts', ['north']],
  ['elements', { dot: 1 }],
  ['versions', 'value'],
  ['z', 1],
])('the column %s does not take %j', (name, value) => {
  expect(columnFault(table, name, value)).toContain(name);
});

test('what fits, and what is not set, is taken', () => {
  const values = { stage: 'later', counts: { north: 3 }, elements: { dot: null, other: 'x' }, versions: null, most: 1n, least: undefined };
  for (const [name, value] of Object.entries(values)) expect(columnFault(table, name, value)).toBeUndefined();
});
