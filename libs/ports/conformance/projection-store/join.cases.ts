import { describe, expect, test } from '@jest/globals';
import type { ColumnValue, RowChange } from '#kernel';
import { countGroup, keyOf, ProjectionDriver, type ProjectionSubject } from './fixture.ts';

type Write = readonly [RowChange['set'], RowChange['stamps']?];

const status = (value: string | null, stamp: bigint, detail: ColumnValue = null): Write => [{ status: value, detail }, { status: stamp }];

/** Writes of one row, each its own commit, and some columns of what they join to in whatever order they come. */
const joins: ReadonlyArray<readonly [string, readonly Write[], Readonly<Record<string, ColumnValue>>]> = [
  ['once', [[{ created_by: 'a', born_ms: 7 }], [{ created_by: 'a' }], [{}]], { created_by: 'a', born_ms: 7 }],
  ['max of bigints', [[{ last_sequence: 9n }], [{ last_sequence: 10n }], [{ last_sequence: 2n }]], { last_sequence: 10n }],
  ['max of great bigints', [[{ last_sequence: 9223372036854775806n }], [{ last_sequence: 9223372036854775807n }]], { last_sequence: 9223372036854775807n }],
  ['max of integers', [[{ most: -5 }], [{ most: 40 }], [{ most: 9 }]], { most: 40 }],
  ['min of doubles', [[{ least: 0.25 }], [{ least: -0.5 }], [{ least: 3 }]], { least: -0.5 }],
  ['min of timestamps', [[{ first_ms: 1_790_000_000_123 }], [{ first_ms: 1_790_000_000_122 }]], { first_ms: 1_790_000_000_122 }],
  ['max of booleans', [[{ ever: false }], [{ ever: true }], [{ ever: false }]], { ever: true }],
  ['min of booleans', [[{ always: true }], [{ always: false }]], { always: false }],
  ['max of texts by code point', [[{ name_max: 'Z' }], [{ name_max: 'a' }], [{ name_max: 'B' }]], { name_max: 'a' }],
  ['max of texts beyond the basic plane', [[{ name_max: '\uFF5E' }], [{ name_max: '😀' }]], { name_max: '😀' }],
  ['null loses to a maximum and a minimum', [[{ most: null, least: null }], [{ most: -1, least: 9.5 }]], { most: -1, least: 9.5 }],
  [
    'the last writer wins',
    [status('live', 3n), status('stopped', 9n, { by: 'x' }), status('created', 1n, { a: 1 })],
    { status: 'stopped', detail: { by: 'x' } },
  ],
  ['null can be the last word', [status('live', 3n, { a: 1 }), status(null, 4n)], { status: null, detail: null }],
  ['the first stamp may be 0 or negative', [status('zero', 0n), status('below', -1n)], { status: 'zero' }],
  [
    'stamp groups are apart',
    [
      status('live', 3n),
      [countGroup({ count: 5n }), { count: 1n }],
      status('stopped', 2n),
      [
        { ...countGroup({ count: 6n, small: 1 }), status: 'x', detail: null },
        { count: 2n, status: 1n },
      ],
    ],
    { status: 'live', count: 6n, small: 1 },
  ],
  [
    'columns that a write does not name stay',
    [[{ most: 4 }], status('live', 1n), [{ created_by: 'me' }]],
    { most: 4, status: 'live', created_by: 'me', last_sequence: null },
  ],
];

export function joinCases(subject: () => ProjectionSubject): void {
  describe('columns join', () => {
    test.each(joins)('%s', async (_what, writes, expected) => {
      for (const order of [writes, [...writes].reverse(), [...writes, ...writes]]) {
        const driver = await ProjectionDriver.open(subject());
        for (const [set, stamps] of order) await driver.write(driver.change(keyOf('r'), set, stamps));
        expect(await driver.row()).toMatchObject(expected);
      }
    });

    test('many rows in one commit, some new, some known', async () => {
      const driver = await ProjectionDriver.open(subject());
      const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => keyOf(`r${from + n}`));
      await driver.write(...range(0, 300).map((key) => driver.change(key, { most: 1, created_by: 'first' })));
      await driver.write(...range(150, 600).map((key) => driver.change(key, { most: 2 })));
      const rows = await driver.rows();
      expect(rows).toHaveLength(600);
      expect(rows.filter(({ most }) => most === 2)).toHaveLength(450);
      expect(rows.filter(({ created_by }) => created_by === 'first')).toHaveLength(300);
    });

    test('changes of one commit may name different columns', async () => {
      const driver = await ProjectionDriver.open(subject());
      await driver.write(
        driver.change(keyOf('a'), { most: 1 }),
        driver.change(keyOf('b'), { least: 2 }),
        driver.change(keyOf('c'), {}),
        driver.change(keyOf('d'), { status: 'x', detail: [1] }, { status: 5n }),
        { table: `${driver.projection.name}_other`, key: { id: 'z' }, set: { seen: 1n } },
      );
      expect((await driver.rows()).map(({ id, most, least, status: state, detail }) => ({ id, most, least, state, detail }))).toEqual([
        { id: 'a', most: 1, least: null, state: null, detail: null },
        { id: 'b', most: null, least: 2, state: null, detail: null },
        { id: 'c', most: null, least: null, state: null, detail: null },
        { id: 'd', most: null, least: null, state: 'x', detail: [1] },
      ]);
    });

    test('every part of the key tells rows apart', async () => {
      const driver = await ProjectionDriver.open(subject());
      const keys = [keyOf('a'), keyOf('a', 1), keyOf('a', 1, 1n), keyOf('A'), keyOf(''), keyOf('a', -1), keyOf('a', 0, 9007199254740993n)];
      await driver.write(...keys.map((key) => driver.change(key, { most: 1 })));
      await driver.write(...keys.map((key) => driver.change(key, { most: 2 })));
      expect(await driver.rows()).toHaveLength(keys.length);
    });
  });
}

const everything: Readonly<Record<string, ColumnValue>> = {
  created_by: 'Zoë "😀" \\ \' \n %',
  born_ms: 1_790_000_000_123,
  last_sequence: 9223372036854775807n,
  most: -2147483648,
  least: 0.1,
  first_ms: 0,
  name_max: '',
  ever: true,
  always: false,
  status: 'live',
  detail: { list: [1, 2.5, null, true, 'x'], nested: { 'a b': '"' }, empty: {} },
  count: -9223372036854775808n,
  on_air: false,
  at_ms: 253402300799999,
  ratio: 1e-300,
  small: 2147483647,
};

const plainData: readonly ColumnValue[] = [[], {}, [1, [2]], 'text', 0, 1.5, false, null, { a: null }];

export function valueCases(subject: () => ProjectionSubject): void {
  describe('values come back as they were', () => {
    test('of every type', async () => {
      const driver = await ProjectionDriver.open(subject());
      const key = keyOf('ключ/😀', -7, -9007199254740993n);
      await driver.write(driver.change(key, everything, { status: 1n, count: 9223372036854775807n }));
      expect(await driver.row()).toEqual({ ...key, ...everything });
    });

    test('null of every type', async () => {
      const driver = await ProjectionDriver.open(subject());
      const nothing = Object.fromEntries(Object.keys(everything).map((name) => [name, null]));
      await driver.write(driver.change(keyOf('r'), nothing, { status: 1n, count: 1n }));
      expect(await driver.row()).toEqual({ ...keyOf('r'), ...nothing });
    });

    test.each(plainData.map((data) => [JSON.stringify(data), data] as const))('plain data %s', async (_text, data) => {
      const driver = await ProjectionDriver.open(subject());
      await driver.write(driver.change(keyOf('r'), { status: 'x', detail: data }, { status: 1n }));
      expect((await driver.row())['detail']).toEqual(data);
    });
  });
}
