import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sealingAggregate, type KnownSealing } from '#domain/operation';
import { contexts, decodeEvent, logSegmentSealed } from '#events';
import { setTimeout as sleep } from 'node:timers/promises';
import { realEngines, World, type RealEngines } from '../../apps/gateway/testing/gateway.fixture.ts';
import { keepLedger } from '../ledger/ledger-run.ts';
import { history } from '../replay/history.ts';
import { recordAll, type LogStarter } from '../replay/world.ts';
import { startKeeper } from './keeper-process.ts';
import { killPoints } from './kill-points.ts';
import { everything, freshLog, lossesOf, type Held } from './sealed-history.ts';

/** Sealing on real engines, by processes that are killed; `startLog` answers the settings that choose the log. */
export function sealingKillCases(name: string, startLog?: LogStarter): void {
  describe(`sealing the past of ${name}, killed`, () => {
    let engines: RealEngines;
    let world: World;
    let env: Readonly<Record<string, string>>;
    let before: Held;
    const meta = { actor: 'key:test', correlationId: 'c' };

    async function orderSealing(sealingId: string): Promise<void> {
      await world.commands.execute(sealingAggregate, sealingId, { type: 'RequestSealing', sealingId, olderThanMs: 1, reason: 'test' }, meta);
      await world.settle();
    }

    const stateOf = async (id: string): Promise<KnownSealing> => (await engines.aggregates.load('operation', id))?.state as KnownSealing;

    beforeAll(async () => {
      const chosen = (await startLog?.()) ?? { KAFKA_BROKERS: '' };
      engines = await realEngines(chosen);
      env = { ...chosen, STREAMS_DATA_DIR: engines.folder, DATABASE_URL: engines.databaseUrl };
      world = await World.open(engines);
      await recordAll(engines, history({ seed: 26, streams: 30, segments: 10 }));
      await orderSealing('sl-killed');
      before = await everything(engines.log);
      expect([...before.values()].flat().length).toBeGreaterThan(1000);
      const { log, ledger, secrets } = engines;
      await keepLedger({ log, store: ledger, secrets });
    }, 120_000);

    afterAll(async () => {
      await world?.close();
    });

    test.each(killPoints)('%s: nothing is lost and nothing is doubled', async (point) => {
      expect(await startKeeper(env, point).ended).toBe('SIGKILL');
      expect(await lossesOf(before, freshLog(engines))).toEqual([]);
    });

    test('ends when it is let alone: the order is done, each segment is told once, and the engine holds none of it', async () => {
      const keeper = startKeeper(env);
      while ((await stateOf('sl-killed')).sealing === 'open') await sleep(50);
      await keeper.stop();
      expect((await stateOf('sl-killed')).result).toMatchObject({ failures: 0 });
      const log = freshLog(engines);
      expect(await lossesOf(before, log)).toEqual([]);
      await world.settle();
      const told = [...(await everything(log))]
        .filter(([place]) => place.startsWith('operation/'))
        .flatMap(([, records]) => records.filter(({ headers }) => headers['ce_type'] === logSegmentSealed.type && headers['ce_source'] === '/test'))
        .map((record) => decodeEvent(record).data as { topic: string; partition: number; number: number; cid: string })
        .map(({ topic, partition, number, cid }) => `${topic}/${partition} ${number} ${cid}`);
      const sealed = await log.allSealed();
      const segments = sealed.flatMap((one) => one.segments.map(({ number, cid }) => `${one.topic}/${one.partition} ${number} ${cid}`));
      expect(told.toSorted()).toEqual(segments.toSorted());
      for (const topic of contexts) {
        for (const { partition, low } of await engines.sealedLog.hot.heads(topic)) {
          const held = before.get(`${topic}/${partition}`) ?? [];
          const last = held.at(-1)?.offset;
          if (last !== undefined && topic !== 'operation') expect([`${topic}/${partition}`, low > last]).toEqual([`${topic}/${partition}`, true]);
        }
      }
    });
  });
}
