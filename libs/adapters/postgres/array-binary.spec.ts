import { expect, test } from '@jest/globals';
import type { ColumnType, ColumnValue } from '#kernel';
import { binaryArray } from './array-binary.ts';

/** One dimension of so many elements, from 1 on. */
const head = (oid: string, count: string, nulls = false): string => `00000001 0000000${nulls ? 1 : 0} ${oid} ${count} 00000001`;
const bytes = (hex: string): string => hex.replaceAll(' ', '');

test.each([
  ['count', [1, 0, -1], `${head('00000014', '00000003')} 00000008 0000000000000001 00000008 0000000000000000 00000008 ffffffffffffffff`],
  ['integer', [2 ** 31, -(2 ** 33)], `${head('00000014', '00000002')} 00000008 0000000080000000 00000008 fffffffe00000000`],
  ['timestamp', [Number.MAX_SAFE_INTEGER], `${head('00000014', '00000001')} 00000008 001fffffffffffff`],
  ['count', [Number.MIN_SAFE_INTEGER, null], `${head('00000014', '00000002', true)} 00000008 ffe0000000000001 ffffffff`],
  [
    'bigint',
    [2n ** 63n - 1n, -(2n ** 63n), 7],
    `${head('00000014', '00000003')} 00000008 7fffffffffffffff 00000008 8000000000000000 00000008 0000000000000007`,
  ],
  ['bigint', [undefined, null], `${head('00000014', '00000002', true)} ffffffff ffffffff`],
  ['double', [1.5, null], `${head('000002bd', '00000002', true)} 00000008 3ff8000000000000 ffffffff`],
  ['boolean', [true, false, undefined], `${head('00000010', '00000003', true)} 00000001 01 00000001 00 ffffffff`],
] as ReadonlyArray<[ColumnType, Array<ColumnValue | undefined>, string]>)('%s %p', (type, values, expected) => {
  expect(binaryArray(type, values)?.toString('hex')).toBe(bytes(expected));
});

test.each([
  ['text', ['a']],
  ['json', [{}]],
  ['count', []],
  ['count', [1, 1.5]],
  ['count', [2 ** 53]],
  ['integer', [Number.NaN]],
  ['integer', ['1']],
  ['bigint', [1n, 2n ** 63n]],
  ['bigint', [-(2n ** 63n) - 1n]],
  ['bigint', [true]],
  ['double', ['1']],
  ['double', [1n]],
  ['boolean', [1]],
] as ReadonlyArray<[ColumnType, ColumnValue[]]>)('leaves %s %p to be written as text', (type, values) => {
  expect(binaryArray(type, values)).toBeUndefined();
});
