import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SystemClock } from '#adapters/system';
import { edgesProjection } from '#domain/edge';
import { streamsProjection } from '#domain/stream';
import type { DomainEvent } from '#events';
import type { Projection, RowChange } from '#kernel';
import type { EventLog } from '#ports';
import { createLogger, foldBetween, type ConsumerHost } from '#runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReplayHost, type ReplayHostInit } from '../../apps/projector/replay/replay-host.ts';
import { fillFolded } from '../../bench/projection/folded-rows.ts';
import { history } from './history.ts';
import { Orders } from './orders.ts';
import { startProjector } from './projector-process.ts';
import { caughtUp, dumpRows, hostOf, openWorld, recordAll, type LogStarter, type World } from './world.ts';

const limits = { replaysMax: 2, partitionsMax: 4, threadsMax: 1, threadEventsMin: 1, eventsPerSecondMax: 0, keepMs: 3_600_000, leaseTtlMs: 600, lookMs: 50 };

/** Rebuilding read models while they serve; `startLog` answers the settings that choose the log. */
export function liveRebuildCases(name: string, startLog?: LogStarter): void {
  describe(`read models are rebuilt beside the serving ones, from ${name}`, () => {
    let world: World;
    let orders: Orders;
    const all = [streamsProjection, edgesProjection];
    const started: ReplayHost[] = [];
    let released: ConsumerHost;

    async function replayHost(projections: readonly Projection<DomainEvent>[] = all, init: Partial<ReplayHostInit> = {}, log = world.log): Promise<ReplayHost> {
      const logger = await createLogger({ name: 'replay', node: 'test', logFormat: 'json', logLevel: 'silent' });
      const { builds, aggregates, leases, parked, past } = world;
      const host = new ReplayHost(
        { owner: 'replayer', ...limits, ...init },
        { projections, log, builds, aggregates, leases, parked, past, commands: orders.commands, clock: new SystemClock(), logger },
      );
      started.push(host);
      host.start();
      return host;
    }

    beforeAll(async () => {
      world = await openWorld(await startLog?.());
      orders = new Orders(world);
      await recordAll(world, history({ seed: 20261126, streams: 40, segments: 8 }));
      released = await hostOf(world, all);
      await released.start();
      await caughtUp(world, all);
    });

    afterAll(async () => {
      await Promise.all(started.map((host) => host.stop()));
      await world.close();
    });

    test('to the same bytes, promoted while the host goes on, and rolled back', async () => {
      const before = await dumpRows(world, [streamsProjection]);
      const host = await replayHost();
      await orders.request('rp-same', { promote: true });
      await recordAll(world, history({ seed: 7, streams: 4, segments: 3 }));
      await orders.until('rp-same', 'promoted');
      await caughtUp(world, all);
      const after = await dumpRows(world, [streamsProjection]);
      expect(after.length).toBeGreaterThan(before.length);
      expect(await world.builds.show('rp-same')).toMatchObject({ state: 'serving', finished: true });
      await orders.tell('rp-same', { type: 'RollBackReplay', reason: 'test' });
      await orders.until('rp-same', 'rolled-back');
      await caughtUp(world, all);
      expect(await dumpRows(world, [streamsProjection])).toBe(after);
      await host.stop();
    });

    test('goes on after a pause and after its process has died, exactly where it stood', async () => {
      const slow = await replayHost(all, { eventsPerSecondMax: 400, owner: 'slow', partitionsMax: 1 });
      await orders.request('rp-slow', {});
      await orders.until('rp-slow', 'running');
      await orders.tell('rp-slow', { type: 'PauseReplay' });
      await slow.stop();
      const paused = await world.builds.show('rp-slow');
      await sleep(200);
      expect((await world.builds.show('rp-slow'))?.positions).toEqual(paused?.positions);
      await orders.tell('rp-slow', { type: 'ResumeReplay' });
      const next = await replayHost();
      await orders.until('rp-slow', 'ready');
      const { positions, progress } = (await world.builds.show('rp-slow')) as NonNullable<Awaited<ReturnType<World['builds']['show']>>>;
      for (const { partition, high } of await world.log.heads('stream'))
        expect(positions.find((at) => at.topic === 'stream' && at.partition === partition)?.position).toBe(high);
      expect(progress).toMatchObject({ skipped: 0 });
      const served = await dumpRows(world, [streamsProjection]);
      await orders.tell('rp-slow', { type: 'PromoteReplay', acceptLoss: false });
      await orders.until('rp-slow', 'promoted');
      expect(await dumpRows(world, [streamsProjection])).toBe(served);
      await next.stop();
    });

    test('is not promoted while it is behind: it says where and by how much, and what serves goes on', async () => {
      // A machine that is idle reads all of it before anybody can say stop: the log is slow.
      const log = Object.create(world.log) as EventLog;
      log.heads = (topic) => world.log.heads(topic);
      log.offsetAt = (topic, partition, atMs) => world.log.offsetAt(topic, partition, atMs);
      log.read = (...asked) => sleep(100).then(() => world.log.read(...asked));
      const slow = await replayHost(all, { owner: 'slow' }, log);
      await orders.request('rp-behind', {});
      await orders.until('rp-behind', 'running');
      await expect(orders.tell('rp-behind', { type: 'PromoteReplay', acceptLoss: false })).rejects.toThrow('is running');
      await slow.stop();
      const before = await dumpRows(world, [streamsProjection]);
      const lease = await world.leases.acquire('replay/rp-behind', 'test', 5000);
      if (lease === undefined) throw new Error('its owner has stopped');
      const claim = { id: 'rp-behind', projection: streamsProjection, epoch: lease.epoch };
      const view = await world.builds.create({ ...claim, starts: [], whole: true });
      await world.builds.finish(claim);
      const lag = async ({ topic, partition, position }: (typeof view.positions)[number]): Promise<readonly [string, number]> => [
        `${topic}/${partition}`,
        Number(((await world.log.heads(topic))[partition]?.high ?? 0n) - position),
      ];
      const lags = await Promise.all(view.positions.map(lag));
      const most = Math.max(...lags.map(([, behind]) => behind));
      const promoting = world.builds.promote({ ...claim, behindMax: 10, fold: foldBetween(world.log, streamsProjection) });
      await expect(promoting).rejects.toMatchObject({ code: 'BUILD_BEHIND', message: expect.stringContaining(`, ${most} events behind`) });
      await world.leases.release(lease);
      expect(await dumpRows(world, [streamsProjection])).toBe(before);
      const next = await replayHost();
      await orders.until('rp-behind', 'ready');
      await orders.tell('rp-behind', { type: 'PromoteReplay', acceptLoss: false });
      await orders.until('rp-behind', 'promoted');
      await caughtUp(world, all);
      expect(await dumpRows(world, [streamsProjection])).toBe(before);
      await next.stop();
    });

    test('ends where it stands when it is cancelled in the middle, and can be asked for again', async () => {
      const slow = await replayHost(all, { eventsPerSecondMax: 400 });
      await orders.request('rp-midway', {});
      await orders.until('rp-midway', 'running');
      await orders.tell('rp-midway', { type: 'CancelReplay', reason: 'changed my mind' });
      await slow.stop();
      await expect(orders.tell('rp-midway', { type: 'ResumeReplay' })).rejects.toThrow('is cancelled');
      const host = await replayHost();
      await orders.request('rp-again', {});
      await orders.until('rp-again', 'ready');
      await orders.tell('rp-again', { type: 'CancelReplay', reason: 'seen' });
      await host.stop();
    });

    test('is dropped when it is cancelled, and a part of the log is never promoted', async () => {
      const host = await replayHost();
      await orders.request('rp-part', { partitions: [0, 1] });
      await orders.until('rp-part', 'ready');
      await expect(orders.tell('rp-part', { type: 'PromoteReplay', acceptLoss: false })).rejects.toThrow('cannot serve');
      expect((await world.builds.show('rp-part'))?.positions.map(({ partition }) => partition)).toEqual([0, 1]);
      await orders.tell('rp-part', { type: 'CancelReplay', reason: 'seen' });
      await host.stop();
      const sweeper = await replayHost();
      for (let waited = 0; (await world.builds.show('rp-part'))?.state !== 'dropped'; waited += 50) {
        if (waited > 15_000) throw new Error('the tables of a cancelled replay stay');
        await sleep(50);
      }
      await sweeper.stop();
    });

    test('is compared with what serves, row by row, and leaves nothing behind', async () => {
      const host = await replayHost();
      await orders.request('rp-equal', { mode: 'comparison' });
      await orders.until('rp-equal', 'compared');
      const equal = await world.builds.show('rp-equal');
      expect(equal?.difference).toMatchObject({ equal: true });
      expect(equal?.progress).toMatchObject({ done: equal?.progress?.total, etaMs: 0 });
      expect(equal?.progress?.done).toBeGreaterThan(0);
      await host.stop();
      const changed: Projection<DomainEvent> = { ...streamsProjection, project: (event) => streamsProjection.project(event).map((change) => renamed(change)) };
      const other = await replayHost([changed]);
      await orders.request('rp-other', { mode: 'comparison' });
      await orders.until('rp-other', 'compared');
      for (; (await world.builds.show('rp-other'))?.state !== 'dropped';) await sleep(20);
      const view = await world.builds.show('rp-other');
      expect(view).toMatchObject({ state: 'dropped', difference: { equal: false } });
      const streams = view?.difference?.tables.find(({ table }) => table === 'stream');
      expect(streams).toMatchObject({ added: 0, removed: 0, changedColumns: { name: streams?.changed } });
      expect(streams?.samples[0]?.columns['name']?.rebuilt).toBe('renamed');
      await other.stop();
    });

    test('ends with a reason at an event that the projection cannot handle, and what serves goes on', async () => {
      const broken: Projection<DomainEvent> = {
        ...streamsProjection,
        project: () => {
          throw new RangeError('boom');
        },
      };
      const host = await replayHost([broken]);
      await orders.request('rp-broken', { promote: true });
      expect(await orders.until('rp-broken', 'failed')).toMatchObject({ status: 'failed', phase: 'closed' });
      await host.stop();
      expect((await dumpRows(world, [streamsProjection])).length).toBeGreaterThan(1000);
    });

    test('passes over what the projection cannot handle when it is told to, and lists it', async () => {
      const picky: Projection<DomainEvent> = {
        ...streamsProjection,
        project: (event) => {
          if (event.type === 'stream.stopped') throw new RangeError('boom');
          return streamsProjection.project(event);
        },
      };
      const host = await replayHost([picky]);
      await orders.request('rp-picky', { onPoison: 'skip' });
      expect(await orders.until('rp-picky', 'ready')).toMatchObject({ status: 'ready', onPoison: 'skip' });
      const progress = (await world.builds.show('rp-picky'))?.progress;
      expect(progress?.skipped).toBeGreaterThan(0);
      expect(progress?.poisoned).toHaveLength(Math.min(20, progress?.skipped ?? 0));
      expect(progress?.poisoned?.[0]).toMatchObject({ place: expect.stringMatching(/^stream\/\d+\/\d+$/), code: 'PROJECTION_FAILED' });
      await orders.tell('rp-picky', { type: 'CancelReplay', reason: '' });
      await host.stop();
    });

    test('by itself when the code has a newer version, which the host then feeds', async () => {
      const [stream] = streamsProjection.tables;
      if (stream === undefined) throw new Error('streams has tables');
      const next: Projection<DomainEvent> = { ...streamsProjection, version: streamsProjection.version + 1 };
      // The projector of the release before has ended; its tables serve.
      await released.stop();
      const live = await hostOf(world, [next], { owner: 'next' });
      await live.start();
      expect((await world.builds.versions()).filter(({ projection, serving }) => projection === 'streams' && serving)).toHaveLength(1);
      await replayHost([next]);
      const state = await orders.until(`rp-v${next.version}-streams`, 'promoted');
      expect(state.projectionVersion).toBe(next.version);
      await recordAll(world, history({ seed: 99, streams: 2, segments: 2 }));
      await caughtUp(world, [next]);
      const { version } = await world.reads.snapshot('streams', stream, { limit: 1 });
      expect(version).toBe(next.version);
    });
  });

  describe(`a projector with much to rebuild, from ${name}`, () => {
    test('shares the partitions out to threads, to the same bytes', async () => {
      const world = await openWorld(await startLog?.());
      const orders = new Orders(world);
      try {
        await fillFolded(world, 20_000);
        const unreadable = Array.from({ length: 40 }, (_, at) => ({ key: `bad-${at}`, headers: {}, value: '{}' }));
        await world.log.append('edge', unreadable);
        const projector = await startProjector({ ...world, env: { ...world.env, REPLAY_THREAD_EVENTS: '5000' } });
        await caughtUp(world, [edgesProjection]);
        const before = await dumpRows(world, [edgesProjection]);
        await orders.request('rp-much', { projection: 'edges', promote: true });
        await orders.until('rp-much', 'promoted');
        expect(await dumpRows(world, [edgesProjection])).toBe(before);
        expect((await world.builds.show('rp-much'))?.progress).toMatchObject({ done: 20_040, total: 20_040, skipped: unreadable.length });
        await projector.stop();
      } finally {
        await world.close();
      }
    });
  });

  describe(`a projector that is killed, on ${name}`, () => {
    test('in the middle of a replay leaves it to the next one, which goes on from its positions', async () => {
      const world = await openWorld(await startLog?.());
      const orders = new Orders(world);
      try {
        await recordAll(world, history({ seed: 4, streams: 60, segments: 30 }));
        const env = { ...world.env, REPLAY_EVENTS_PER_SECOND: '3000' };
        const first = await startProjector({ ...world, env });
        await caughtUp(world, [streamsProjection]);
        await orders.request('rp-killed', { promote: true });
        for (let loaded = 0n; loaded === 0n; await sleep(20))
          loaded = (await world.builds.show('rp-killed'))?.positions.reduce((sum, { position, first: begun }) => sum + position - begun, 0n) ?? 0n;
        await first.kill();
        const stood = (await world.builds.show('rp-killed'))?.positions ?? [];
        const before = await dumpRows(world, [streamsProjection]);
        const second = await startProjector(world, 'projector-2');
        await orders.until('rp-killed', 'promoted');
        expect(stood.some(({ position }) => position > 0n)).toBe(true);
        await caughtUp(world, [streamsProjection]);
        expect(await dumpRows(world, [streamsProjection])).toBe(before);
        await second.stop();
      } finally {
        await world.close();
      }
    });
  });
}

function renamed(change: RowChange): RowChange {
  return 'name' in change.set && change.table === 'stream' ? { ...change, set: { ...change.set, name: 'renamed' } } : change;
}
