import { describe, expect, test } from '@jest/globals';
import type { RowChange } from '#kernel';
import type { BuildClaim, FoldBetween } from '../../projection-builds.port.ts';
import type { ModelDifference } from '../../model-difference.ts';
import { operatingError } from '../subject.ts';
import { first, freshBuild, makeModel, ModelDriver, noFold, type BuildsSubject } from './fixture.ts';

export function compareCases(subject: () => BuildsSubject): void {
  describe('comparison', () => {
    const compare = (claim: BuildClaim, fold: FoldBetween = noFold, samplesMax = 5): Promise<ModelDifference> =>
      subject().builds.compare({ ...claim, fold, samplesMax });
    /** A build with the live rows, and what else is said. */
    const alike = (driver: ModelDriver, ...changes: RowChange[]): Promise<BuildClaim> =>
      driver.built(freshBuild(), 10n, driver.projection, driver.row('r0', 10, 'live'), driver.row('r1', 10, 'live'), ...changes);

    test('of equal rows says so, with equal digests', async () => {
      const driver = await ModelDriver.live(subject());
      const difference = await compare(await alike(driver));
      const counts = { serving: 2, rebuilt: 2, added: 0, removed: 0, changed: 0, changedColumns: {}, onlyServing: [], onlyRebuilt: [], samples: [] };
      expect(difference).toMatchObject({ equal: true, servingVersion: 1, rebuiltVersion: 1, tables: [{ table: driver.table.name, ...counts }] });
      expect(difference.tables[0]?.servingDigest).toBe(difference.tables[0]?.rebuiltDigest);
    });

    test('as they are folds nothing in, and keeps nothing; what a build has is read from it alone', async () => {
      const { builds } = subject();
      const driver = await ModelDriver.live(subject());
      const claim = await alike(driver, driver.row('came', 7, 'rebuilt'));
      await driver.commit(first, 10n, 12n, driver.row('later', 1, 'live'));
      expect(await builds.difference(claim.id, 5)).toMatchObject({ equal: false, tables: [{ added: 1, removed: 1, changed: 0 }] });
      expect((await builds.show(claim.id))?.difference).toBeNull();
      const reads = builds.reads(claim.id);
      const ids = (await reads.select(driver.table, { orderBy: [{ column: 'id' }], limit: 10 })).map(({ id }) => id);
      expect(ids).toEqual(['came', 'r0', 'r1']);
      const { version, checkpoints } = await reads.snapshot(driver.projection.name, driver.table, { limit: 1 });
      expect([version, checkpoints.map(({ position }) => position)]).toEqual([1, [10n, 10n]]);
      await builds.drop(claim.id);
      await expect(builds.difference(claim.id, 5)).rejects.toEqual(operatingError('BUILD_UNKNOWN'));
    });

    test('the builds of a sandbox stand side by side, and nothing of what is forgotten is left', async () => {
      const { builds } = subject();
      const [driver, other] = [await ModelDriver.live(subject()), await ModelDriver.live(subject())];
      const sandbox = `sb-${freshBuild().slice(3)}`;
      const [mine, theirs] = [await driver.built(`${sandbox}-one`), await other.built(`${sandbox}-two`)];
      const rowsOf = (from: ModelDriver, { id }: BuildClaim) => builds.reads(id).select(from.table, { limit: 10 });
      const listed = await builds.among([mine.id, theirs.id, `${sandbox}-none`]);
      expect(listed.map(({ id, finished }) => [id, finished]).sort()).toEqual([
        [mine.id, true],
        [theirs.id, true],
      ]);
      expect(await builds.among([])).toEqual([]);
      expect([(await rowsOf(driver, mine)).length, (await rowsOf(other, theirs)).length]).toEqual([2, 2]);
      await builds.forget(mine.id);
      await builds.forget(mine.id);
      expect(await builds.show(mine.id)).toBeUndefined();
      expect(await rowsOf(other, theirs)).toHaveLength(2);
      await builds.forget(theirs.id);
      expect((await builds.list()).filter(({ id }) => id.startsWith(sandbox))).toEqual([]);
      await driver.built(mine.id);
      await builds.forget(mine.id);
    });

    test('names each row and column that differs, exactly', async () => {
      const driver = await ModelDriver.live(subject());
      const big = (id: string, value: bigint, stamp: bigint): RowChange => ({
        table: driver.table.name,
        key: { id, part: 0 },
        set: { big: value },
        stamps: { big: stamp },
      });
      await driver.commit(
        first,
        10n,
        11n,
        driver.row('gone', 1, 'live'),
        big('same', 9007199254740993n, 1n),
        big('value', 1n, 1n),
        big('stamp', 1n, 1n),
        driver.row('null', 1, 'live'),
      );
      const claim = await alike(driver, driver.row('came', 7, 'rebuilt'), ...[big('same', 9007199254740993n, 1n), big('value', 2n, 1n), big('stamp', 1n, 2n)], {
        table: driver.table.name,
        key: { id: 'null', part: 0 },
        set: { n: 1 },
      });
      await driver.load(claim, [[first, 10n, 11n]]);
      const difference = await compare(claim);
      const [table] = difference.tables;
      expect(difference.equal).toBe(false);
      expect(table).toMatchObject({ serving: 7, rebuilt: 7, added: 1, removed: 1, changed: 3, changedColumns: { made_by: 1, big: 1, big$stamp: 1 } });
      expect(table?.servingDigest).not.toBe(table?.rebuiltDigest);
      const side = (serving: unknown, rebuilt: unknown) => ({ serving, rebuilt });
      expect(table?.samples).toEqual([
        { kind: 'added', key: { id: 'came', part: '0' }, columns: { n: side(null, 7), made_by: side(null, 'rebuilt') } },
        { kind: 'removed', key: { id: 'gone', part: '0' }, columns: { n: side(1, null), made_by: side('live', null) } },
        { kind: 'changed', key: { id: 'null', part: '0' }, columns: { made_by: side('live', null) } },
        { kind: 'changed', key: { id: 'stamp', part: '0' }, columns: { big$stamp: side('1', '2') } },
        { kind: 'changed', key: { id: 'value', part: '0' }, columns: { big: side('1', '2') } },
      ]);
      expect((await subject().builds.show(claim.id))?.difference).toEqual(difference);
      expect((await compare(claim, noFold, 2)).tables[0]?.samples).toHaveLength(2);
    });

    test('stands at the same positions as what serves, whatever arrived meanwhile', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = await alike(driver);
      await driver.commit(first, 10n, 12n, driver.row('new', 1, 'live'));
      const fold: FoldBetween = async (moves) => {
        expect(moves).toEqual([{ ...first, from: 10n, to: 12n }]);
        return [driver.row('new', 1, 'live')];
      };
      expect(await compare(claim, fold)).toMatchObject({ equal: true, tables: [{ serving: 3, rebuilt: 3 }] });
      expect(await driver.makers()).toEqual(['live', 'live', 'live']);
    });

    test('of another version compares what both have, and names the rest', async () => {
      const driver = await ModelDriver.live(subject());
      const next = new ModelDriver(subject(), makeModel(driver.projection.name, 2, 'stars'));
      const claim = await next.built(freshBuild(), 10n, next.projection, next.row('r0', 10, 'live'), next.row('r1', 11, 'live'));
      const difference = await compare(claim);
      expect(difference).toMatchObject({
        equal: false,
        servingVersion: 1,
        rebuiltVersion: 2,
        tables: [{ changed: 1, onlyServing: [], onlyRebuilt: ['stars'] }],
      });
    });

    test('needs something that serves', async () => {
      const driver = new ModelDriver(subject());
      const claim = await driver.built(freshBuild());
      await expect(compare(claim)).rejects.toEqual(operatingError('BUILD_NOT_SERVING'));
    });
  });
}
