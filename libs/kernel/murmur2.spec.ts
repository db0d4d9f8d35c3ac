import { describe, expect, test } from '@jest/globals';
import { murmur2, partitionOf } from './murmur2.ts';

/** The vectors of Kafka's own UtilsTest.testMurmur2. */
const vectors: ReadonlyArray<readonly [string, number]> = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('murmur2', () => {
  test.each(vectors)('hashes %s as the Java client does', (text, hash) => {
    expect(murmur2(new TextEncoder().encode(text))).toBe(hash);
  });

  test('a partition is never negative', () => {
    for (const [text] of vectors) expect(partitionOf(text, 12)).toBeGreaterThanOrEqual(0);
    expect(partitionOf('21', 12)).toBe((-973932308 & 0x7fffffff) % 12);
  });
});
