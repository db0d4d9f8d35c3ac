import { describe, expect, test } from '@jest/globals';
import { poisonedMax, type PoisonedPlace } from '../../projection-builds.port.ts';
import { operatingError } from '../subject.ts';
import { epoch, first, freshBuild, makeModel, ModelDriver, second, type BuildsSubject } from './fixture.ts';

const nothingPassed = { skipped: 0, poisoned: [] };
const fenced = operatingError('BUILD_FENCED');

export function buildCases(subject: () => BuildsSubject): void {
  describe('a build', () => {
    test('is made beside what serves, and readers see nothing of it', async () => {
      const driver = await ModelDriver.live(subject());
      const id = freshBuild();
      await driver.built(id);
      expect(await driver.makers()).toEqual(['live', 'live']);
      const view = await subject().builds.show(id);
      expect(view).toMatchObject({ id, projection: driver.projection.name, version: 1, state: 'building', whole: true, finished: true, difference: null });
      expect(view?.positions).toEqual([first, second].map((at) => ({ ...at, first: 0n, position: 10n, ...nothingPassed })));
      expect((await subject().builds.list(driver.projection.name)).map((one) => one.id)).toEqual([id]);
      expect(await subject().builds.show('rp-none')).toBeUndefined();
    });

    test('goes on from its positions under a newer owner, and the older one is shut out', async () => {
      const driver = await ModelDriver.live(subject());
      const { builds } = subject();
      const claim = driver.claim(freshBuild());
      await driver.create(claim);
      await driver.load(claim, [[first, 0n, 7n]], driver.row('a', 1, 'old owner'));
      const newer = { ...claim, epoch: epoch + 1n };
      await driver.create(newer);
      expect((await builds.show(claim.id))?.positions).toEqual([
        { ...first, first: 0n, position: 7n, ...nothingPassed },
        { ...second, first: 0n, position: 0n, ...nothingPassed },
      ]);
      await expect(driver.load(claim, [[first, 7n, 9n]], driver.row('b', 1, 'old owner'))).rejects.toEqual(fenced);
      await expect(builds.finish(claim)).rejects.toEqual(fenced);
      await expect(driver.create(claim)).rejects.toEqual(fenced);
      await expect(driver.promote(claim)).rejects.toEqual(fenced);
      await driver.load(
        newer,
        [
          [first, 7n, 9n],
          [second, 0n, 4n],
        ],
        driver.row('b', 2, 'new owner'),
      );
      expect((await builds.show(claim.id))?.positions.map(({ position }) => position)).toEqual([9n, 4n]);
    });

    test('knows what it has passed over up to its positions, the first ones by name', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = driver.claim(freshBuild());
      await driver.create(claim);
      const poisonedAt = (at: number): PoisonedPlace => ({ place: `edge/1/${at}`, code: 'PROJECTION_FAILED', message: 'cannot' });
      await driver.load(claim, [[first, 0n, 7n, { skipped: 3, poisoned: [poisonedAt(1)] }]]);
      await driver.load(claim, [
        [first, 7n, 40n, { skipped: 25, poisoned: Array.from({ length: poisonedMax }, (_, at) => poisonedAt(at + 7)) }],
        [second, 0n, 4n, { skipped: 1, poisoned: [] }],
      ]);
      await expect(driver.load(claim, [[first, 7n, 40n, { skipped: 25, poisoned: [] }]])).rejects.toEqual(fenced);
      await driver.load(claim, [[first, 40n, 41n, { skipped: 1, poisoned: [poisonedAt(40)] }]]);
      await driver.create({ ...claim, epoch: epoch + 1n });
      const positions = (await subject().builds.show(claim.id))?.positions ?? [];
      expect(positions.map(({ skipped }) => skipped)).toEqual([29, 1]);
      expect(positions[0]?.poisoned).toEqual([poisonedAt(1), ...Array.from({ length: poisonedMax - 1 }, (_, at) => poisonedAt(at + 7))]);
    });

    test.each([
      ['behind', 5n],
      ['ahead', 8n],
    ])('takes no rows from a position %s of its own, and moves none of the others', async (_what, from) => {
      const driver = await ModelDriver.live(subject());
      const claim = driver.claim(freshBuild());
      await driver.create(claim);
      await driver.load(claim, [[first, 0n, 7n]]);
      await expect(
        driver.load(
          claim,
          [
            [second, 0n, 3n],
            [first, from, 20n],
          ],
          driver.row('x', 1, 'wrong'),
        ),
      ).rejects.toEqual(fenced);
      await driver.load(claim, [
        [first, 7n, 10n],
        [second, 0n, 10n],
      ]);
      await subject().builds.finish(claim);
      await driver.promote(claim);
      expect(await driver.rows()).toEqual([]);
    });

    test('of many rows, in several loads that meet, holds their joins', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = driver.claim(freshBuild());
      await driver.create(claim);
      const many = (n: number, from: number) => Array.from({ length: 400 }, (_, at) => driver.row(`k${String(from + at).padStart(4, '0')}`, n, 'rebuilt'));
      await driver.load(claim, [[first, 0n, 10n]], ...many(5, 0));
      await driver.load(claim, [[second, 0n, 10n]], ...many(3, 200));
      await subject().builds.finish(claim);
      await driver.promote(claim);
      const rows = await driver.rows();
      expect(rows).toHaveLength(600);
      expect([rows[0], rows[300], rows[599]].map((row) => row?.['n'])).toEqual([5, 5, 3]);
    });

    test('made by other code is not gone on with', async () => {
      const driver = await ModelDriver.live(subject());
      const id = freshBuild();
      await driver.built(id);
      for (const { projection } of [makeModel(driver.projection.name, 2), makeModel(driver.projection.name, 1, 'more')])
        await expect(driver.create(driver.claim(id, epoch, projection))).rejects.toEqual(operatingError('BUILD_CHANGED'));
    });

    test('tells how far it is, as its owner noted', async () => {
      const driver = await ModelDriver.live(subject());
      const { builds } = subject();
      const claim = await driver.built(freshBuild());
      const progress = { done: 20, total: 40, eventsPerSecond: 1000, etaMs: 20, skipped: 1, atMs: 1_790_000_000_000 };
      await builds.note(claim, progress);
      await builds.note({ ...claim, epoch: epoch - 1n }, { ...progress, done: 0 });
      expect((await builds.show(claim.id))?.progress).toEqual(progress);
    });

    test('that is dropped leaves nothing to go on with, twice as well', async () => {
      const driver = await ModelDriver.live(subject());
      const { builds } = subject();
      const claim = await driver.built(freshBuild());
      await builds.drop(claim.id);
      await builds.drop(claim.id);
      await builds.drop('rp-none');
      expect(await builds.show(claim.id)).toMatchObject({ state: 'dropped', positions: [] });
      await expect(driver.load(claim, [[first, 10n, 11n]])).rejects.toThrow();
      await expect(driver.create(claim)).rejects.toEqual(operatingError('BUILD_UNKNOWN'));
      await expect(driver.promote(claim)).rejects.toEqual(operatingError('BUILD_UNKNOWN'));
      expect(await driver.makers()).toEqual(['live', 'live']);
    });
  });
}
