import { describe, expect, test } from '@jest/globals';
import { operatingError } from '../subject.ts';
import { home, keyOf, ProjectionDriver, type ProjectionSubject } from './fixture.ts';

const fenced = operatingError('CHECKPOINT_FENCED');
const next = { ...home, partition: home.partition + 1 };

export function togetherCases(subject: () => ProjectionSubject): void {
  describe('partitions committed together', () => {
    async function claimed(): Promise<ProjectionDriver> {
      const driver = await ProjectionDriver.open(subject());
      for (const at of [home, next]) await subject().projections.claim(driver.projection, at, 3n);
      return driver;
    }

    test('move together, also where they touch the same row', async () => {
      const { projections } = subject();
      const driver = await claimed();
      const { projection } = driver;
      await projections.commitTogether([
        { projection, at: next, from: 0n, to: 4n, epoch: 3n, changes: [driver.change(keyOf('r'), { most: 7 }), driver.change(keyOf('s'), { most: 1 })] },
        { projection, at: home, from: 0n, to: 9n, epoch: 4n, changes: [driver.change(keyOf('r'), { most: 5 })] },
      ]);
      expect((await driver.rows()).map((row) => row['most']).sort()).toEqual([1, 7]);
      expect(await projections.claim(projection, home, 4n)).toBe(9n);
      expect(await projections.claim(projection, next, 3n)).toBe(4n);
      await expect(projections.claim(projection, home, 3n)).rejects.toEqual(fenced);
    });

    test.each([
      ['its position', 1n, 3n],
      ['its epoch', 0n, 2n],
    ])('stay where they are when one of them is fenced by %s', async (_what, from, epoch) => {
      const { projections } = subject();
      const driver = await claimed();
      const { projection } = driver;
      const commits = [
        { projection, at: home, from: 0n, to: 9n, epoch: 3n, changes: [driver.change(keyOf('r'), { most: 5 })] },
        { projection, at: next, from, to: 9n, epoch, changes: [driver.change(keyOf('s'), { most: 5 })] },
      ];
      await expect(projections.commitTogether(commits)).rejects.toEqual(fenced);
      expect(await driver.rows()).toEqual([]);
      expect(await projections.claim(projection, home, 3n)).toBe(0n);
    });

    test('stay where they are when two of them are of one partition: a task that was given up, and the next', async () => {
      const { projections } = subject();
      const { projection } = await claimed();
      const commits = [9n, 11n].map((to) => ({ projection, at: home, from: 0n, to, epoch: 3n, changes: [] }));
      await expect(projections.commitTogether(commits)).rejects.toEqual(fenced);
      expect(await projections.claim(projection, home, 3n)).toBe(0n);
    });

    test('may be none', async () => {
      await expect(subject().projections.commitTogether([])).resolves.toBeUndefined();
    });
  });
}
