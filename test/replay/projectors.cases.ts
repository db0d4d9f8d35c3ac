import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { purgeRequested, topicPartitions, type StoredRecord } from '#events';
import { accept, Prng } from '#kernel';
import { CommandExecutor } from '#runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import { projections } from '#read-models';
import { history } from './history.ts';
import { startProjector, type ProjectorProcess } from './projector-process.ts';
import { caughtUp, dumpRows, hostOf, openWorld, recordAll, type LogStarter, type World } from './world.ts';

/** Leases of all of them: one per projection, topic and three partitions. */
const groups = (projections.flatMap(({ contexts }) => contexts).length * topicPartitions) / 3;

/** All records of a partition below an offset: one read brings as many as it likes. */
async function readTo({ log }: World, topic: string, partition: number, high: bigint): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let next = 0n; next < high;) {
    const batch = await log.read(topic, partition, next, { recordsMax: 5000, bytesMax: 1e7, waitMs: 1000 });
    records.push(...batch.records);
    next = batch.next;
  }
  return records;
}

/** Projector processes on a log; `startLog` answers the settings that choose it. */
export function projectorCases(name: string, startLog?: LogStarter): void {
  describe(`projector processes on ${name}`, () => {
    let world: World;
    const running = new Set<ProjectorProcess>();

    async function projector(id: string): Promise<ProjectorProcess> {
      const one = await startProjector(world, id);
      running.add(one);
      return one;
    }

    async function kill(one: ProjectorProcess): Promise<void> {
      running.delete(one);
      await one.kill();
    }

    async function stopAll(): Promise<void> {
      await Promise.all([...running].map((one) => one.stop()));
      running.clear();
    }

    /** The rows once a single host has carried the log on to its end: from their checkpoints, which pass over whatever was lost. */
    async function rowsOfOneHost(): Promise<string> {
      const host = await hostOf(world, projections);
      await host.start();
      await caughtUp(world, projections);
      await host.stop();
      return dumpRows(world, projections);
    }

    /** What the processes made of the log; their effects append to it until the last moment. */
    async function rowsOfProcesses(): Promise<string> {
      await caughtUp(world, projections);
      await stopAll();
      return rowsOfOneHost();
    }

    /** The rows that a single host makes of the log, from nothing. */
    async function rowsOfRebuild(): Promise<string> {
      for (const projection of projections) await world.store.reset(projection);
      return rowsOfOneHost();
    }

    beforeAll(async () => {
      world = await openWorld(await startLog?.());
      world.closing.push(stopAll);
    });

    afterAll(async () => {
      await world.close();
    });

    test('two share the work; killed at any moment, nothing is lost', async () => {
      const events = history({ seed: 11, streams: 60, segments: 10 });
      const dice = new Prng(11);
      const alive = [await projector('a'), await projector('b')];
      const size = Math.ceil(events.length / 8);
      for (let round = 0; round < 8; round++) {
        await recordAll(world, events.slice(round * size, (round + 1) * size));
        await sleep(dice.nextInteger(0, 60));
        await kill(alive[round % 2] as ProjectorProcess);
        alive[round % 2] = await projector(['a', 'b'][round % 2] as string);
      }
      await caughtUp(world, projections);
      const holders = new Set((await world.leases.list('consumer/')).filter(({ expired }) => !expired).map(({ owner }) => owner));
      expect([...holders].sort()).toEqual(['node-1/a', 'node-1/b']);
      const rows = await rowsOfProcesses();
      expect(rows).toBe(await rowsOfRebuild());
    });

    test('one that slept through its leases finds itself fenced and does no harm', async () => {
      const sleeper = await projector('a');
      const heir = await projector('b');
      sleeper.signal('SIGSTOP');
      await recordAll(world, history({ seed: 12, streams: 20, segments: 5 }));
      await caughtUp(world, projections);
      // Groups without a new event may be taken over after the last row was written.
      while (!heir.lines.some((line) => line.includes(`holding ${groups} of ${groups}`))) await sleep(20);
      sleeper.signal('SIGCONT');
      await recordAll(world, history({ seed: 13, streams: 20, segments: 5 }));
      while (!sleeper.lines.some((line) => line.includes('lost the lease'))) await sleep(20);
      const rows = await rowsOfProcesses();
      expect(rows).toBe(await rowsOfRebuild());
    });

    test('the outbox is relayed exactly once and in order, however often the relay is killed', async () => {
      const executor = new CommandExecutor({ aggregates: world.aggregates, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/test/1' });
      const decider = {
        initialState: { count: 0 },
        decide: (n: number) => accept(purgeRequested.draft({ purgeId: 'outbox', urls: [`/${n}`], reason: 'outbox' })),
        evolve: ({ count }: { count: number }) => ({ count: count + 1 }),
      };
      const dice = new Prng(3);
      let relay = await projector('a');
      let isDone = false;
      const committing = (async () => {
        for (let n = 0; n < 400; n++) await executor.execute({ context: 'cache', decider }, 'outbox', n, { actor: 'key:test', correlationId: 'c' });
        isDone = true;
      })();
      for (let kills = 0; kills < 5 || !isDone; kills++) {
        await sleep(dice.nextInteger(0, 150));
        await kill(relay);
        relay = await projector('a');
      }
      await committing;
      while ((await world.outbox.take(1, 0)).length > 0) await sleep(20);
      await stopAll();
      const heads = await world.log.heads('cache');
      const parts = await Promise.all(heads.map(({ high }, at) => readTo(world, 'cache', at, high)));
      const relayed = parts.flat().filter(({ key }) => key === 'outbox');
      expect(relayed.map(({ headers }) => Number(headers['ce_streamversion']))).toEqual(Array.from({ length: 400 }, (_, at) => at + 1));
    });
  });
}
