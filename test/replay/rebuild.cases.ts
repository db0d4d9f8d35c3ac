import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { projections } from '#read-models';
import { history } from './history.ts';
import { caughtUp, dumpRows, hostOf, openWorld, recordAll, type LogStarter, type World } from './world.ts';

/** Rebuilding read models from a log; `startLog` answers the settings that choose it. */
export function rebuildCases(name: string, startLog?: LogStarter): void {
  describe(`read models are rebuilt from ${name}`, () => {
    let world: World;
    const events = history({ seed: 20261122, streams: 40, segments: 8 });

    beforeAll(async () => {
      world = await openWorld(await startLog?.());
    });

    afterAll(async () => {
      await world.close();
    });

    test('to the same bytes, by other hosts, in other batches', async () => {
      await recordAll(world, events);
      const first = await hostOf(world, projections);
      await first.start();
      await caughtUp(world, projections);
      await first.stop();
      const before = await dumpRows(world, projections);
      expect(before.length).toBeGreaterThan(100_000);

      for (const projection of projections) await world.store.reset(projection);
      expect(await dumpRows(world, projections)).not.toContain('{');

      const limits = { recordsMax: 7, bytesMax: 20_000, waitMs: 100 };
      const hosts = [
        await hostOf(world, projections, { owner: 'a', limits, readAheadMax: 13 }),
        await hostOf(world, projections, { owner: 'b', readAheadMax: 50, commitsMax: 4, lingerMs: 0 }),
      ];
      for (const host of hosts) await host.start();
      await caughtUp(world, projections);
      await Promise.all(hosts.map((host) => host.stop()));
      expect(await dumpRows(world, projections)).toBe(before);
    });

    test('to the same bytes while new events arrive', async () => {
      const host = await hostOf(world, projections);
      await host.start();
      for (const projection of projections) await world.store.reset(projection);
      await recordAll(world, history({ seed: 7, streams: 4, segments: 3 }));
      await caughtUp(world, projections);
      const live = await dumpRows(world, projections);
      await host.stop();
      for (const projection of projections) await world.store.reset(projection);
      const again = await hostOf(world, projections, { owner: 'again' });
      await again.start();
      await caughtUp(world, projections);
      await again.stop();
      expect(await dumpRows(world, projections)).toBe(live);
    });
  });
}
