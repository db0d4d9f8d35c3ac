import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { purgeTargets } from './purge-ledger.core.ts';
import { PurgePositions } from './purge-positions.core.ts';

const compile = (pattern: string) => {
  const regexp = new RegExp(pattern);
  return (text: string): boolean => regexp.test(text);
};
const init = { marksMax: 100, patternsMax: 10, compile };

function known(...from: readonly bigint[]): PurgePositions {
  const purges = new PurgePositions(init);
  from.forEach((offset, partition) => purges.begin(partition, offset));
  return purges;
}

const subject = { key: '/a', labels: [7] };

describe('purges by their places on the log', () => {
  test.each<[string, bigint, boolean]>([
    ['read on behind it', 11n, true],
    ['would have read it next', 10n, false],
    ['was before it', 5n, false],
  ])('what was asked for by one who %s holds: %s %s', (_who, position, holds) => {
    const purges = known(0n, 0n);
    purges.add(1, 10n, [purgeTargets.key('/a')]);
    expect(purges.holds(subject, [0n, position])).toBe(holds);
    expect(purges.holds({ key: '/b', labels: [] }, [0n, position])).toBe(true);
  });

  test.each([
    ['a path', purgeTargets.path('/a')],
    ['a prefix', purgeTargets.prefix('/')],
    ['a pattern', purgeTargets.pattern('^/a$')],
    ['a label', purgeTargets.label(7)],
    ['all', purgeTargets.all],
  ])('%s hits it', (_what, target) => {
    const purges = known(0n);
    expect(purges.holds(subject, [3n])).toBe(true);
    purges.add(0, 3n, [target]);
    expect([purges.holds(subject, [3n]), purges.holds(subject, [4n])]).toEqual([false, true]);
  });

  test('nothing is said of what was kept before the reading began, of another log, or of more than is remembered', () => {
    const purges = known(5n, 5n);
    expect([purges.holds(subject, [5n, 4n]), purges.holds(subject, [5n, 5n]), purges.holds(subject, [5n]), known().holds(subject, [])]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    for (let at = 10; at <= 110; at++) purges.add(0, BigInt(at), [purgeTargets.key(`/other/${at}`)]);
    // The oldest of 101 is forgotten.
    expect([purges.holds(subject, [10n, 5n]), purges.holds(subject, [11n, 5n])]).toEqual([false, true]);
  });

  test('what was asked for before a purge never holds after it, whatever else was purged, and nothing else is lost', () => {
    const purge = fc.record({ partition: fc.nat(2), key: fc.constantFrom('/a', '/b', '/c') });
    fc.assert(
      fc.property(fc.array(purge, { maxLength: 40 }), fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)), (log, read) => {
        const purges = known(0n, 0n, 0n);
        const next = [0, 0, 0];
        const later: string[] = [];
        for (const { key, partition } of log) {
          const offset = (next[partition] as number)++;
          purges.add(partition, BigInt(offset), [purgeTargets.key(key)]);
          if (offset >= (read[partition] as number)) later.push(key);
        }
        for (const key of ['/a', '/b', '/c']) expect(purges.holds({ key, labels: [] }, read.map(BigInt))).toBe(!later.includes(key));
      }),
    );
  });
});
