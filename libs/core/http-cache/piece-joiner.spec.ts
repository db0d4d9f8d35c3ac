import { expect, test } from '@jest/globals';
import { PieceJoiner } from './piece-joiner.core.ts';

const piece = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);

function added(...lengths: readonly number[]): Uint8Array[] {
  const [joiner, pieces] = [new PieceJoiner(), [] as Uint8Array[]];
  for (const [at, length] of lengths.entries()) joiner.add(pieces, piece(length, at));
  return pieces;
}

test.each([
  ['the first stands by itself', [5], [5]],
  ['small ones behind it are joined', [5, 1, 2, 3], [5, 6]],
  ['large ones stay as they are', [5000, 5000, 1], [5000, 5000, 1]],
  ['small ones between large ones, too', [5000, 1, 5000, 1], [5000, 1, 5000, 1]],
  ['what is joined is no larger than it may be', [1, ...Array.from({ length: 9 }, () => 2000)], [1, 16_000, 2000]],
])('%s', (_what, lengths, expected) => {
  expect(added(...lengths).map(({ length }) => length)).toEqual(expected);
});

test('what somebody has of a piece stays as it was', () => {
  const [joiner, pieces] = [new PieceJoiner(), [] as Uint8Array[]];
  for (const value of [1, 2, 3]) joiner.add(pieces, piece(1, value));
  const had = pieces[1] as Uint8Array;
  joiner.add(pieces, piece(1, 4));
  expect([[...had], pieces.map((one) => [...one])]).toEqual([
    [2, 3],
    [[1], [2, 3, 4]],
  ]);
});

test('nothing goes into a piece that is closed', () => {
  const [joiner, pieces] = [new PieceJoiner(), [] as Uint8Array[]];
  for (const value of [1, 2]) joiner.add(pieces, piece(1, value));
  expect(joiner.isOpen(pieces[1] as Uint8Array)).toBe(true);
  joiner.close();
  joiner.add(pieces, piece(1, 3));
  expect(pieces.map((one) => [...one])).toEqual([[1], [2], [3]]);
  expect(pieces.map((one) => joiner.isOpen(one))).toEqual([false, false, true]);
});
