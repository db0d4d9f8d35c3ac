import { describe, expect, test } from '@jest/globals';
import type { BuildMove } from '../../projection-builds.port.ts';
import { operatingError } from '../subject.ts';
import { epoch, first, freshBuild, liveEpoch, makeModel, ModelDriver, second, type BuildsSubject } from './fixture.ts';

const later = (): number => Date.now() + 3_600_000;

export function promoteCases(subject: () => BuildsSubject): void {
  describe('promotion', () => {
    test('lets readers see the build, and the host goes on in it from its positions', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = await driver.built(freshBuild(), 12n);
      expect(await driver.promote(claim)).toEqual({ fromVersion: 1, toVersion: 1 });
      expect(await driver.makers()).toEqual(['rebuilt', 'rebuilt']);
      expect(await driver.positions()).toEqual([12n, 12n]);
      // What the host had read before it knew is refused; from the new position on it goes on.
      await expect(driver.commit(first, 10n, 14n, driver.row('late', 1, 'live'))).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
      expect(await subject().projections.claim(driver.projection, first, liveEpoch)).toBe(12n);
      await driver.commit(first, 12n, 14n, driver.row('r0', 14, 'alive'));
      expect((await driver.rows()).map((row) => [row['n'], row['made_by']])).toEqual([
        [14, 'rebuilt'],
        [10, 'rebuilt'],
      ]);
      expect(await driver.promote(claim)).toEqual({ fromVersion: 1, toVersion: 1 });
      expect(await subject().builds.show(claim.id)).toMatchObject({ state: 'serving', positions: [] });
    });

    test('and rolling it back are noticed by a host that stands at the very same place', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = await driver.built(freshBuild(), 10n);
      const goesOn = async (from: bigint): Promise<void> => {
        await expect(driver.commit(first, from, from + 1n)).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
        const both = [first, second].map((at) => ({ projection: driver.projection, at, from, to: from + 1n, epoch: liveEpoch, changes: [] }));
        await expect(subject().projections.commitTogether(both)).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
        for (const at of [first, second]) expect(await subject().projections.claim(driver.projection, at, liveEpoch)).toBe(from);
        await subject().projections.commitTogether(both);
      };
      await driver.promote(claim);
      await goesOn(10n);
      await subject().builds.rollBack(claim.id);
      await goesOn(10n);
    });

    test('folds in what the build lacks up to what readers see', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = await driver.built(freshBuild(), 8n);
      const asked: BuildMove[] = [];
      await driver.promote(claim, async (moves) => {
        asked.push(...moves);
        return [driver.row('r1', 11, 'the last')];
      });
      expect(asked).toEqual([first, second].map((at) => ({ ...at, from: 8n, to: 10n })));
      expect((await driver.rows()).map((row) => [row['n'], row['made_by']])).toEqual([
        [10, 'rebuilt'],
        [11, 'the last'],
      ]);
      expect(await driver.positions()).toEqual([10n, 10n]);
    });

    test('is refused while the build is behind, naming partition and lag, and changes nothing', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = await driver.built(freshBuild(), 9n);
      await driver.commit(second, 10n, 40n);
      const refusal = { code: 'BUILD_BEHIND', message: expect.stringMatching(/32 events behind.*stream\/1 stands at 9, 31 events behind the 40/) };
      await expect(driver.promote(claim, undefined, 31)).rejects.toMatchObject(refusal);
      expect(await driver.makers()).toEqual(['live', 'live']);
      expect(await driver.positions()).toEqual([10n, 40n]);
      await driver.promote(claim, async () => [], 32);
      expect(await driver.positions()).toEqual([10n, 40n]);
    });

    test('is refused when folding fails, and changes nothing', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = await driver.built(freshBuild(), 9n);
      await expect(driver.promote(claim, () => Promise.reject(new RangeError('no')))).rejects.toThrow();
      expect(await driver.makers()).toEqual(['live', 'live']);
      await driver.commit(first, 10n, 11n);
    });

    test('is refused without indexes, and for a part of the log', async () => {
      const driver = await ModelDriver.live(subject());
      const [unfinished, part] = [driver.claim(freshBuild()), driver.claim(freshBuild())];
      await driver.create(unfinished);
      await expect(driver.promote(unfinished)).rejects.toEqual(operatingError('BUILD_BEHIND'));
      await driver.create(part, false);
      await subject().builds.finish(part);
      await expect(driver.promote(part)).rejects.toEqual(operatingError('BUILD_PARTIAL'));
      expect(await driver.makers()).toEqual(['live', 'live']);
    });

    test('of a new version leaves the old one its tables', async () => {
      const driver = await ModelDriver.live(subject());
      const next = new ModelDriver(subject(), makeModel(driver.projection.name, 2, 'stars'));
      const claim = await next.built(freshBuild(), 10n);
      expect(await next.promote(claim)).toEqual({ fromVersion: 1, toVersion: 2 });
      expect(await next.rows()).toEqual(['r0', 'r1'].map((id) => ({ id, part: 0, n: 10, made_by: 'rebuilt', big: null, stars: null })));
      expect((await subject().builds.versions()).filter(({ projection }) => projection === driver.projection.name)).toEqual([
        { projection: driver.projection.name, version: 1, serving: false, begins: [] },
        { projection: driver.projection.name, version: 2, serving: true, begins: [] },
      ]);
      // A projector of the release before goes on feeding its own, in case it serves again.
      await driver.commit(first, 10n, 11n, driver.row('r9', 1, 'old code'));
      await next.commit(first, 10n, 12n, next.row('r2', 1, 'new code'));
      expect(await next.makers()).toEqual(['rebuilt', 'rebuilt', 'new code']);
    });

    test('of a model that nothing serves yet makes it serve', async () => {
      const driver = new ModelDriver(subject());
      const claim = await driver.built(freshBuild());
      expect(await driver.promote(claim)).toEqual({ fromVersion: 0, toVersion: 1 });
      expect(await driver.makers()).toEqual(['rebuilt', 'rebuilt']);
      await expect(subject().builds.rollBack(claim.id)).rejects.toEqual(operatingError('BUILD_NOT_KEPT'));
    });
  });
}

export function rollBackCases(subject: () => BuildsSubject): void {
  describe('rolling back', () => {
    test('brings back rows and checkpoints as they were, of the same version', async () => {
      const driver = await ModelDriver.live(subject());
      const claim = await driver.built(freshBuild(), 15n);
      await driver.promote(claim);
      await subject().projections.claim(driver.projection, first, liveEpoch);
      await driver.commit(first, 15n, 16n, driver.row('new', 1, 'live'));
      expect(await subject().builds.rollBack(claim.id)).toEqual({ fromVersion: 1, toVersion: 1 });
      expect(await driver.makers()).toEqual(['live', 'live']);
      expect(await driver.positions()).toEqual([10n, 10n]);
      await expect(driver.commit(first, 16n, 17n)).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
      await subject().projections.claim(driver.projection, first, liveEpoch);
      await driver.commit(first, 10n, 17n, driver.row('new', 1, 'again'));
      expect(await driver.makers()).toEqual(['again', 'live', 'live']);
      expect(await subject().builds.show(claim.id)).toMatchObject({ state: 'kept' });
      // Whoever asked for it may have ended before it could say so.
      expect(await subject().builds.rollBack(claim.id)).toEqual({ fromVersion: 1, toVersion: 1 });
      expect(await driver.makers()).toEqual(['again', 'live', 'live']);
    });

    test('refuses to roll back what another build has replaced, and goes on with the other', async () => {
      const driver = await ModelDriver.live(subject());
      const [a, b] = [await driver.built(freshBuild(), 11n), await driver.built(freshBuild(), 12n, driver.projection, driver.row('r0', 1, 'b'))];
      for (const claim of [a, b]) await driver.promote(claim);
      const { builds } = subject();
      await expect(builds.rollBack(a.id)).rejects.toEqual(operatingError('BUILD_NOT_SERVING'));
      expect(await driver.makers()).toEqual(['b']);
      await builds.rollBack(b.id);
      await builds.rollBack(a.id);
      expect(await driver.makers()).toEqual(['live', 'live']);
      expect(await builds.rollBack(b.id)).toEqual({ fromVersion: 1, toVersion: 1 });
      expect(await driver.makers()).toEqual(['live', 'live']);
    });

    test('and a promotion bring where the rows begin', async () => {
      const driver = new ModelDriver(subject());
      const { builds, projections } = subject();
      await projections.ensure(driver.projection);
      for (const at of [first, second]) await projections.claim(driver.projection, at, liveEpoch);
      await projections.begin(driver.projection, first, liveEpoch, 4n);
      await expect(projections.begin(driver.projection, second, liveEpoch - 1n, 4n)).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
      await driver.commit(first, 0n, 10n, driver.row('r0', 10, 'live'));
      await driver.commit(second, 0n, 10n);
      await expect(projections.begin(driver.projection, first, liveEpoch, 9n)).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
      const before = [`${first.topic}/${first.partition} 4`];
      expect(await driver.begins()).toEqual(before);
      const claim = driver.claim(freshBuild());
      await driver.create(claim, true, 7n);
      await driver.load(claim, [
        [first, 7n, 10n],
        [second, 7n, 10n],
      ]);
      await builds.finish(claim);
      expect(await driver.begins()).toEqual(before);
      await driver.promote(claim);
      expect(await driver.begins()).toEqual([first, second].map(({ topic, partition }) => `${topic}/${partition} 7`));
      await builds.rollBack(claim.id);
      expect(await driver.begins()).toEqual(before);
      await projections.reset(driver.projection);
      expect(await driver.begins()).toEqual([]);
    });

    test('brings back another version, step by step', async () => {
      const driver = await ModelDriver.live(subject());
      const [a, b] = [await driver.built(freshBuild(), 11n), await driver.built(freshBuild(), 12n, driver.projection, driver.row('r0', 1, 'b'))];
      const next = new ModelDriver(subject(), makeModel(driver.projection.name, 2, 'stars'));
      const c = await next.built(freshBuild(), 13n);
      for (const claim of [a, b]) await driver.promote(claim);
      await next.promote(c);
      const { builds } = subject();
      expect(await builds.rollBack(c.id)).toEqual({ fromVersion: 2, toVersion: 1 });
      expect([await driver.makers(), await driver.positions()]).toEqual([['b'], [12n, 12n]]);
      await subject().projections.claim(driver.projection, first, liveEpoch);
      await driver.commit(first, 12n, 13n);
      await builds.rollBack(b.id);
      expect([await driver.makers(), await driver.positions()]).toEqual([
        ['rebuilt', 'rebuilt'],
        [11n, 11n],
      ]);
      await builds.rollBack(a.id);
      expect([await driver.makers(), await driver.positions()]).toEqual([
        ['live', 'live'],
        [10n, 10n],
      ]);
    });

    test('is over when what was kept has expired', async () => {
      const driver = await ModelDriver.live(subject());
      const next = new ModelDriver(subject(), makeModel(driver.projection.name, 2, 'stars'));
      const [same, other] = [await driver.built(freshBuild()), await next.built(freshBuild())];
      const { builds } = subject();
      await driver.promote(same);
      await next.promote(other);
      expect(await builds.expire(0)).toEqual([]);
      expect((await builds.expire(later())).length).toBeGreaterThanOrEqual(2);
      await expect(builds.rollBack(other.id)).rejects.toEqual(operatingError('BUILD_NOT_KEPT'));
      expect(await builds.show(same.id)).toMatchObject({ state: 'dropped' });
      const mine = (await builds.versions()).filter(({ projection }) => projection === driver.projection.name);
      expect(mine).toEqual([{ projection: driver.projection.name, version: 2, serving: true, begins: [] }]);
      expect(await next.makers()).toEqual(['rebuilt', 'rebuilt']);
      await expect(builds.drop(other.id)).rejects.toEqual(operatingError('BUILD_FENCED'));
    });
  });
}

export function readerCases(subject: () => BuildsSubject): void {
  test('readers never see half: rows of one build, with its checkpoints, however often they change places', async () => {
    const driver = await ModelDriver.live(subject());
    const { builds, rows } = subject();
    const rowCount = 300;
    const rounds = 6;
    const seen = new Set<string>();
    let over = false;
    const read = async (): Promise<void> => {
      while (!over) {
        const found = await rows.snapshot(driver.projection.name, driver.table, { limit: 10_000 });
        const makers = [...new Set(found.rows.map((row) => row['made_by']))];
        seen.add(`${makers.join('+')} × ${found.rows.length} at ${found.checkpoints.map(({ position }) => position).sort()}`);
        const plain = await driver.makers();
        seen.add(`${[...new Set(plain)].join('+')} × ${plain.length}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const readers = Promise.all([read(), read(), read()]);
    const expected = new Set(['live × 2 at 10,10', 'live × 2']);
    for (let round = 1; round <= rounds; round++) {
      const maker = `build ${round}`;
      const position = 10n + BigInt(round);
      const changes = Array.from({ length: rowCount + round }, (_, at) => driver.row(`k${at}`, round, maker));
      const claim = await driver.built(freshBuild(), position, driver.projection, ...changes);
      await driver.promote(claim);
      for (const what of [`${maker} × ${rowCount + round} at ${position},${position}`, `${maker} × ${rowCount + round}`]) expected.add(what);
      while (!seen.has(`${maker} × ${rowCount + round}`)) await new Promise((resolve) => setImmediate(resolve));
      if (round % 2 === 0) await builds.rollBack(claim.id);
    }
    over = true;
    await readers;
    expect([...seen].filter((what) => !expected.has(what))).toEqual([]);
    expect(seen.size).toBeGreaterThan(rounds);
  });

  test('a live host that commits all the while loses nothing to promotions', async () => {
    const driver = await ModelDriver.live(subject());
    const { projections } = subject();
    let over = false;
    let fencedTimes = 0;
    const host = async (): Promise<bigint> => {
      for (let position = await projections.claim(driver.projection, first, liveEpoch); ;) {
        if (over) return position;
        // Lets others run, also on a store that answers at once.
        await new Promise((resolve) => setImmediate(resolve));
        try {
          await driver.commit(first, position, position + 1n, driver.row('count', Number(position + 1n), ''), driver.row(`at-${position}`, 1, 'live'));
          position += 1n;
        } catch (error) {
          expect(error).toEqual(operatingError('CHECKPOINT_FENCED'));
          fencedTimes++;
          position = await projections.claim(driver.projection, first, liveEpoch);
        }
      }
    };
    const hosting = host();
    for (let round = 0; round < 5; round++) {
      const claim = driver.claim(freshBuild(), epoch);
      await driver.create(claim);
      await subject().builds.finish(claim);
      await driver.promote(
        claim,
        async (moves) =>
          moves
            .filter(({ partition }) => partition === first.partition)
            .flatMap(({ from, to }) => Array.from({ length: Number(to - from) }, (_, at) => driver.row(`at-${Number(from) + at}`, 1, 'folded'))),
        Number.MAX_SAFE_INTEGER,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    over = true;
    const position = await hosting;
    const ids = new Set((await driver.rows()).map((row) => row['id']));
    for (let at = 0n; at < position; at++) expect(ids.has(`at-${at}`)).toBe(true);
    expect(fencedTimes).toBeLessThanOrEqual(5);
    expect(position).toBeGreaterThan(10n);
  });
}
