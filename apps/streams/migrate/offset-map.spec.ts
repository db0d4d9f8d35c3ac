import { expect, test } from '@jest/globals';
import { OffsetMap } from './offset-map.core.ts';

test.each([
  { held: [], copies: [], positions: [0, 7], become: [0, 0] },
  { held: [0, 1, 2], copies: [0, 1, 2], positions: [0, 1, 3, 9], become: [0, 1, 3, 3] },
  // Ends of transactions at 2, 5 and 6; the first offset held is 1.
  { held: [1, 3, 4, 7], copies: [0, 1, 2, 3], positions: [0, 1, 2, 3, 4, 5, 6, 7, 8], become: [0, 0, 1, 1, 2, 3, 3, 3, 4] },
  // In the copy at 1 and 4: a reader who stood at a record goes on at that record, one who stood at the end at the copy's.
  { held: [0, 1, 2, 3], copies: [0, 2, 3, 5], positions: [0, 1, 2, 3, 4, 9], become: [0, 2, 3, 5, 6, 6] },
  { held: [2, 4, 5], copies: [0, 1, 3], positions: [0, 2, 3, 4, 5, 6], become: [0, 0, 1, 1, 3, 4] },
])('of records at $held and copies at $copies readers at $positions go on at $become', ({ held, copies, positions, become }) => {
  const map = new OffsetMap(0n);
  held.forEach((offset, at) => map.add(BigInt(offset), BigInt(copies[at] ?? 0)));
  expect(positions.map((position) => map.translate(BigInt(position)))).toEqual(become.map(BigInt));
});

test('where nothing is held, readers go on at the beginning of the copy', () => {
  expect(new OffsetMap(4n).translate(9n)).toBe(4n);
});
