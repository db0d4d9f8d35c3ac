import { describe, expect, test } from '@jest/globals';
import { operatingError } from '../subject.ts';
import { home, keyOf, makeProjection, ProjectionDriver, type ProjectionSubject } from './fixture.ts';

const fenced = operatingError('CHECKPOINT_FENCED');

export function checkpointCases(subject: () => ProjectionSubject): void {
  describe('checkpoints', () => {
    test('begin at 0 and move with the rows', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      expect(await projections.claim(driver.projection, home, 1n)).toBe(0n);
      await driver.write(driver.change(keyOf('r'), { most: 1 }));
      await projections.commit({ projection: driver.projection, at: home, from: 1n, to: 9007199254740993n, epoch: 1n, changes: [] });
      expect(await projections.claim(driver.projection, home, 2n)).toBe(9007199254740993n);
      expect(await driver.rows()).toHaveLength(1);
    });

    test('a batch written twice is written once', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      const commit = { projection: driver.projection, at: home, from: 0n, to: 10n, epoch: 1n, changes: [driver.change(keyOf('r'), { most: 1 })] };
      await projections.commit(commit);
      await expect(projections.commit(commit)).rejects.toEqual(fenced);
      expect(await projections.claim(driver.projection, home, 1n)).toBe(10n);
    });

    test.each([
      ['from a position behind', 4n, 1n],
      ['from a position ahead', 6n, 1n],
      ['of an older epoch', 5n, 0n],
    ])('a commit %s is refused, and nothing is written', async (_what, from, epoch) => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      await projections.commit({ projection: driver.projection, at: home, from: 0n, to: 5n, epoch: 1n, changes: [driver.change(keyOf('r'), { most: 1 })] });
      const changes = [driver.change(keyOf('r'), { most: 100 }), driver.change(keyOf('s'), { most: 100 })];
      await expect(projections.commit({ projection: driver.projection, at: home, from, to: 20n, epoch, changes })).rejects.toEqual(fenced);
      expect((await driver.row())['most']).toBe(1);
      expect(await projections.claim(driver.projection, home, 1n)).toBe(5n);
    });

    test('a claim fences older owners at once', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      expect(await projections.claim(driver.projection, home, 7n)).toBe(0n);
      await expect(driver.write(driver.change(keyOf('r'), { most: 1 }))).rejects.toEqual(fenced);
      await expect(projections.claim(driver.projection, home, 6n)).rejects.toEqual(fenced);
      await projections.commit({ projection: driver.projection, at: home, from: 0n, to: 1n, epoch: 7n, changes: [] });
      expect(await driver.rows()).toEqual([]);
    });

    test('of many who race for a position, one wins', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      const commits = Array.from({ length: 8 }, (_, n) => ({
        projection: driver.projection,
        at: home,
        from: 0n,
        to: 1n,
        epoch: 1n,
        changes: [driver.change(keyOf(`r${n}`), { most: n })],
      }));
      const settled = await Promise.allSettled(commits.map((commit) => projections.commit(commit)));
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const one of settled) if (one.status === 'rejected') expect(one.reason).toEqual(fenced);
      expect(await driver.rows()).toHaveLength(1);
    });

    test('a broken change is refused, and nothing is written', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      for (const broken of [driver.change(keyOf('s'), { colour: 'red' }), { table: 'nowhere', key: { id: 's' }, set: {} }]) {
        const changes = [driver.change(keyOf('r'), { most: 1 }), broken];
        await expect(projections.commit({ projection: driver.projection, at: home, from: 0n, to: 1n, epoch: 1n, changes })).rejects.toThrow();
      }
      expect(await driver.rows()).toEqual([]);
      expect(await projections.claim(driver.projection, home, 1n)).toBe(0n);
    });
  });
}

export function partitionCases(subject: () => ProjectionSubject): void {
  describe('partitions, versions and resets', () => {
    test('partitions and topics have checkpoints of their own, all of which are listed', async () => {
      const { projections } = subject();
      const { projection } = await ProjectionDriver.open(subject());
      const [next, cache] = [
        { ...home, partition: home.partition + 1 },
        { ...home, topic: 'cache' },
      ];
      await projections.claim(projection, next, 5n);
      await projections.claim(projection, cache, 1n);
      await projections.commit({ projection, at: home, from: 0n, to: 3n, epoch: 1n, changes: [] });
      await projections.commit({ projection, at: next, from: 0n, to: 4n, epoch: 5n, changes: [] });
      const listed = [...(await projections.checkpoints(projection.name))].sort((a, b) => Number(b.position - a.position));
      const common = { projection: projection.name, version: 1, movedAtMs: expect.any(Number) };
      expect(listed).toEqual([
        { ...common, ...next, position: 4n, epoch: 5n },
        { ...common, ...home, position: 3n, epoch: 1n },
        { ...common, ...cache, position: 0n, epoch: 1n },
      ]);
      expect((await projections.checkpoints()).filter((one) => one.projection === projection.name)).toHaveLength(3);
    });

    test('a reset empties the tables and sets the checkpoints to 0', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      const other = await ProjectionDriver.open(subject());
      await driver.write(driver.change(keyOf('r'), { most: 9 }));
      await other.write(other.change(keyOf('r'), { most: 9 }));
      await projections.reset(driver.projection);
      expect(await driver.rows()).toEqual([]);
      expect(await projections.claim(driver.projection, home, 2n)).toBe(0n);
      await projections.commit({ projection: driver.projection, at: home, from: 0n, to: 1n, epoch: 2n, changes: [driver.change(keyOf('r'), { most: 1 })] });
      expect((await driver.row())['most']).toBe(1);
      expect((await other.row())['most']).toBe(9);
    });

    test('a batch read before a reset is refused after it', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      await driver.write(driver.change(keyOf('r'), { most: 9 }));
      await projections.reset(driver.projection);
      await expect(driver.write(driver.change(keyOf('r'), { most: 10 }))).rejects.toEqual(fenced);
      expect(await driver.rows()).toEqual([]);
    });

    test('are bound to one log: the first that asks', async () => {
      const { projections } = subject();
      expect(await projections.boundLog()).toBeUndefined();
      const answers = await Promise.all(['embedded:a', 'kafka:b/', 'kafka:c/'].map((log) => projections.bindLog(log)));
      expect(new Set(answers)).toEqual(new Set([await projections.boundLog()]));
      expect(await projections.bindLog('embedded:d')).toBe(answers[0]);
    });

    test('ensuring again keeps what is there', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      await driver.write(driver.change(keyOf('r'), { most: 9 }));
      await Promise.all([projections.ensure(driver.projection), projections.ensure(driver.projection)]);
      expect(await driver.rows()).toHaveLength(1);
      expect(await projections.claim(driver.projection, home, 1n)).toBe(1n);
    });

    test('a version has checkpoints of its own', async () => {
      const { projections } = subject();
      const driver = await ProjectionDriver.open(subject());
      await driver.write(driver.change(keyOf('r'), { most: 9 }));
      const { projection } = makeProjection(2, driver.projection.name);
      await projections.ensure(projection);
      expect(await projections.claim(projection, home, 1n)).toBe(0n);
      expect(await projections.claim(driver.projection, home, 1n)).toBe(1n);
    });
  });
}
