import { expect, test } from '@jest/globals';
import { canonicalText, rowsText } from './canonical.ts';

test.each([
  [{ b: 1, a: 2 }, { a: 2, b: 1 }, true],
  [{ a: 1n }, { a: 1 }, false],
  [{ a: undefined }, {}, true],
  [{ a: null }, {}, false],
  [{ 10: 'x', 9: 'y' }, { 9: 'y', 10: 'x' }, true],
  [JSON.parse('{"__proto__":1}') as object, {}, false],
  [['a', 1], { a: 1 }, false],
  [{ a: { c: [1, { e: 2, d: 3 }] } }, { a: { c: [1, { d: 3, e: 2 }] } }, true],
])('%j and %j are the same: %s', (a, b, same) => {
  expect(canonicalText(a) === canonicalText(b)).toBe(same);
});

test('rows are the same in any order; no stamps are as good as empty ones', () => {
  const [x, y] = ['x', 'y'].map((id) => ({ table: 't', key: { id }, set: { n: 1n } })) as [never, never];
  expect(rowsText([x, y])).toBe(rowsText([{ ...(y as object), stamps: {} } as never, x]));
  expect(rowsText([x])).not.toBe(rowsText([y]));
});
