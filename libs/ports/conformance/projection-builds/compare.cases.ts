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
