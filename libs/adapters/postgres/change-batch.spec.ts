import { describe, expect, test } from '@jest/globals';
import type { RowChange, TableSpec } from '#kernel';
import { binaryArray } from './array-binary.ts';
import { changeBatches, copyData, upsertValues, type ChangeBatch } from './change-batch.ts';

const streams: TableSpec = {
  name: 'stream',
  key: { id: 'text', n: 'bigint' },
  columns: {
    most: { type: 'integer', join: 'max' },
    a: { type: 'text', join: 'lww', stamp: 's' },
    b: { type: 'text', join: 'lww', stamp: 's' },
    c: { type: 'text', join: 'lww', stamp: 't' },
  },
};
const edges: TableSpec = { name: 'edge', key: { id: 'text' }, columns: { seen: { type: 'bigint', join: 'max' } } };
const projection = { name: 'p', version: 1, contexts: [], handles: [], ignores: [], tables: [streams, edges], project: () => [] };

const whole = (values: ReadonlyArray<number | bigint | null>): Buffer | undefined => binaryArray('bigint', values);
const change = (id: string, n: bigint, set: RowChange['set'], stamps: RowChange['stamps'] = {}): RowChange => ({
  table: 'stream',
  key: { id, n },
  set,
  stamps,
});

describe('changes become one batch per table', () => {
  test('in the order of the spec, rows in key order, with the columns that anybody sets', () => {
    const batches = changeBatches(projection, [
      { table: 'edge', key: { id: 'e' }, set: { seen: 1n } },
      change('b', 1n, { most: 1 }),
      change('a', 10n, { a: 'x', b: null }, { s: 7n }),
      change('a', 9n, {}),
    ]);
    expect(batches.map((batch) => [batch.table.name, batch.columns, batch.stamps, upsertValues(batch)])).toEqual([
      [
        ...['stream', ['most', 'a', 'b'], ['s']],
        ['{"a","a","b"}', whole([9n, 10n, 1n]), whole([null, null, 1]), '{NULL,"x",NULL}', '{NULL,NULL,NULL}', whole([null, 7n, null])],
      ],
      ['edge', ['seen'], [], ['{"e"}', whole([1n])]],
    ]);
    expect(batches.map((batch) => String(copyData(batch)))).toEqual(['a\t9\t\\N\t\\N\t\\N\t\\N\na\t10\t\\N\tx\t\\N\t7\nb\t1\t1\t\\N\t\\N\t\\N\n', 'e\t1\n']);
  });

  test('none for a table without changes', () => {
    expect(changeBatches(projection, [])).toEqual([]);
  });

  test('what the server has to refuse goes as text, which it can name', () => {
    const [batch] = changeBatches(projection, [change('a', 1n, { most: 1.5 })]);
    expect(upsertValues(batch as ChangeBatch).at(-1)).toBe('{1.5}');
  });

  test('a stamp without its columns is not sent: it would shut out real writes', () => {
    const [batch] = changeBatches(projection, [change('a', 1n, { most: 1 }, { s: 9n }), change('b', 1n, { a: 'x', b: 'y' }, { s: 1n })]);
    expect(upsertValues(batch as ChangeBatch).at(-1)).toEqual(whole([null, 1n]));
  });
});

test.each([
  ['an unknown table', { table: 'nowhere', key: { id: 'a' }, set: {} }],
  ['an unknown column', change('a', 1n, { colour: 'red' })],
  ['a key that lacks a part', { table: 'stream', key: { id: 'a' }, set: {} }],
  ['half of a stamp group', change('a', 1n, { a: 'x' }, { s: 1n })],
  ['a stamped column without its stamp', change('a', 1n, { c: 'x' })],
])('refuses %s, first or behind others', (_what, broken) => {
  expect(() => changeBatches(projection, [broken])).toThrow();
  const ordered = [change('a', 0n, { c: 'x' }, { t: 1n }), change('b', 0n, { most: 1 }), broken];
  expect(() => changeBatches(projection, ordered)).toThrow();
});
