import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareValues, foldChanges, wholeStampGroups } from './join.ts';
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
  },
};

const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null });
const change: fc.Arbitrary<RowChange> = fc
  .record({
    id: fc.constantFrom('x', 'y'),
    n: fc.constantFrom(1n, 2n),
    born: optional(fc.constant('once')),
    most: optional(fc.bigInt(0n, 5n)),
    least: optional(fc.integer({ min: 0, max: 5 })),
    flag: optional(fc.boolean()),
    lww: optional(fc.record({ a: optional(fc.string({ maxLength: 2 })), b: optional(fc.record({ v: fc.integer() })), stamp: fc.bigInt(0n, 3n) })),
  })
  .map(({ id, n, lww, ...columns }) => {
    const set = lww === null ? columns : { ...columns, a: lww.a, b: lww.b };
    return { table: 't', key: { id, n }, set, ...(lww === null ? {} : { stamps: { s: lww.stamp } }) };
  });

/** One text per set of rows, whatever the order in which they were touched. */
function digest(changes: readonly RowChange[]): string {
  const rows = changes.map(({ table: name, key, set, stamps }) => [name, sorted(key), sorted(set), sorted(stamps ?? {})]);
  return rows
    .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
    .sort()
    .join('\n');
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
