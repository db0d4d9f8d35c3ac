import { expect, test } from '@jest/globals';
import { OffsetMap } from './offset-map.core.ts';

test.each([
  { held: [], positions: [0, 7], become: [0, 0] },
  { held: [0, 1, 2], positions: [0, 1, 3, 9], become: [0, 1, 3, 3] },
  // Ends of transactions at 2, 5 and 6; the first offset held is 1.
  { held: [1, 3, 4, 7], positions: [0, 1, 2, 3, 4, 5, 6, 7, 8], become: [0, 0, 1, 1, 2, 3, 3, 3, 4] },
])('of records at $held readers at $positions go on at $become', ({ held, positions, become }) => {
  const map = new OffsetMap();
  for (const offset of held) map.add(BigInt(offset));
  expect(positions.map((position) => map.translate(BigInt(position)))).toEqual(become.map(BigInt));
});
