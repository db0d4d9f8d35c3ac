/** @needs java maven */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openEngines } from '#adapters/engines';
import { contexts, keyRevoked, type EventEnvelope, type StoredRecord } from '#events';
import { MemoryLedgerStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import type { EventLog, LedgerStore } from '#ports';
import { createLogger, OutboxRelay, pause, readSharedSettings, requireBoundLog } from '#runtime';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerAppender } from '../../apps/projector/ledger/ledger-appender.ts';
import { projections } from '#read-models';
import { migrateLog, type MigrationReport } from '../../apps/streams/migrate/migrate-log.command.ts';
import { readStreamsSettings } from '../../apps/streams/streams.config.ts';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { history } from './history.ts';
import { caughtUp, dumpRows, hostOf, openWorld, recordAll, type World } from './world.ts';

jest.setTimeout(180_000);

type Env = Readonly<Record<string, string>>;

/** What each partition of each topic holds, without offsets. */
async function contentOf(log: EventLog): Promise<ReadonlyArray<ReadonlyArray<Omit<StoredRecord, 'offset'>>>> {
  const partitions: Array<Array<Omit<StoredRecord, 'offset'>>> = [];
  for (const topic of contexts) {
    for (const { partition, low, high } of await log.heads(topic)) {
      const records: Array<Omit<StoredRecord, 'offset'>> = [];
      for (let from = low; from < high;) {
        const batch = await log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 10_000_000, waitMs: 0 });
        for (const { offset: _, ...record } of batch.records) records.push(record);
        from = batch.next;
      }
      partitions.push(records);
    }
  }
  return partitions;
}

function revoked(id: string): EventEnvelope {
  const common = { source: '/test', time: 1_790_000_000_123, tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:test' };
  return { ...common, producerEpoch: 0n, id, type: keyRevoked.type, version: 1, subject: id, key: id, streamVersion: 1n, data: { keyId: id, reason: 'r' } };
}

describe('streams migrate-log', () => {
  let kafka: Kafka;
  let world: World;
  let elsewhere: string;

  beforeAll(async () => {
    kafka = await sharedKafka();
    world = await openWorld();
    elsewhere = await mkdtemp(join(tmpdir(), 'streams-elsewhere-'));
    await recordAll(world, history({ seed: 5, streams: 30, segments: 6 }));
  }, kafkaStartTimeoutMs);

  afterAll(async () => {
    await world?.close();
    await kafka?.stop();
    if (elsewhere !== undefined) await rm(elsewhere, { recursive: true, force: true });
  });

  const onKafka = (topics: string): Env => ({ ...kafka.env, KAFKA_TOPIC_PREFIX: `${topics}-${kafka.env['KAFKA_TOPIC_PREFIX']}` });

  /** @param databaseUrl the database that moves along; none, to copy the log alone */
  function migrate(to: 'kafka' | 'embedded', dataDir: string, env: Env, databaseUrl = ''): Promise<MigrationReport> {
    const settings = readStreamsSettings({ ...env, STREAMS_DATA_DIR: dataDir, DATABASE_URL: databaseUrl });
    return migrateLog({ settings, to, say: () => undefined, showProgress: () => undefined });
  }

  async function withLog<Result>(env: Env, dataDir: string, work: (log: EventLog) => Promise<Result>): Promise<Result> {
    const engines = await openEngines(readSharedSettings({ ...env, STREAMS_DATA_DIR: dataDir }), 'log');
    try {
      return await work(engines.log);
    } finally {
      await engines.close();
    }
  }

  /** Takes the log into the audit ledger; answers how many records were new to it. */
  async function ledgered(log: EventLog, epoch: bigint): Promise<number> {
    const logger = await createLogger({ name: 'ledger', node: 'test', logFormat: 'json', logLevel: 'silent' });
    const appender = new LedgerAppender({ topics: contexts, epoch }, { log, store: world.ledger, logger, now: Date.now });
    return appender.catchUp(new AbortController().signal);
  }

  /** The ledger is the one that this log alone would have given. */
  async function expectTreesOf(log: EventLog): Promise<void> {
    const fresh = new MemoryLedgerStore(new SystemClock());
    const logger = await createLogger({ name: 'ledger', node: 'test', logFormat: 'json', logLevel: 'silent' });
    await new LedgerAppender({ topics: contexts, epoch: 1n }, { log, store: fresh, logger, now: Date.now }).catchUp(new AbortController().signal);
    for (const tree of await fresh.progress()) {
      const edge = [{ level: 0, index: Math.floor(Math.max(0, tree.size - 1) / 256) }];
      const hashes = async (store: LedgerStore) => (await store.tiles(tree, edge)).map((tile) => Buffer.from(tile.hashes).toString('hex'));
      expect(await hashes(world.ledger)).toEqual(await hashes(fresh));
      expect(await world.ledger.placeOf(tree, tree.lastOffset ?? 0n)).toEqual(await fresh.placeOf(tree, tree.lastOffset ?? 0n));
    }
  }

  test('copies everything as it was, goes on where it broke off, and back again it is the same log', async () => {
    const env = onKafka('move');
    const original = await contentOf(world.log);
    // As a run that was killed leaves it: one partition whole, one in its middle.
    const whole = (await world.log.read('stream', 0, 0n, { recordsMax: 5000, bytesMax: 1e7, waitMs: 0 })).records;
    const half = (await world.log.read('stream', 1, 0n, { recordsMax: 3, bytesMax: 1e7, waitMs: 0 })).records;
    await withLog(env, world.folder, (log) => log.restore('stream', 12, (write) => write([...whole, ...half])));

    const there = await migrate('kafka', world.folder, env);
    const all = original.reduce((sum, records) => sum + records.length, 0);
    expect(there.topics.reduce((sum, { records }) => sum + records, 0)).toBe(all);
    expect(there.topics.find(({ topic }) => topic === 'stream')?.found).toBe(whole.length + half.length);
    expect(await withLog(env, world.folder, contentOf)).toEqual(original);

    const again = await migrate('kafka', world.folder, env);
    expect(again.topics.map(({ found, digest }) => [found, digest])).toEqual(there.topics.map(({ records, digest }) => [records, digest]));

    const back = await migrate('embedded', elsewhere, env);
    expect(back.topics.map(({ digest }) => digest)).toEqual(there.topics.map(({ digest }) => digest));
    expect(await withLog({ KAFKA_BROKERS: '' }, elsewhere, contentOf)).toEqual(original);
  });

  test('refuses a target that holds something else, and changes nothing there', async () => {
    const env = onKafka('taken');
    const taken = { key: 'k', headers: {}, value: 'somebody was here' };
    await withLog(env, world.folder, async (log) => {
      await log.ensureTopic('cache', 12);
      await log.append('cache', [taken]);
    });
    await expect(migrate('kafka', world.folder, env)).rejects.toThrow('already holds other records than this log');
    const cache = (await withLog(env, world.folder, (log) => log.heads('cache'))).reduce((sum, { high }) => sum + high, 0n);
    expect(cache).toBe(1n);
  });

  test('read models go on over there: nothing is read twice, nothing left out', async () => {
    const env = onKafka('models');
    const host = await hostOf(world, projections);
    await host.start();
    await caughtUp(world, projections);
    await host.stop();
    const rows = await dumpRows(world, projections);
    const all = (await contentOf(world.log)).reduce((sum, records) => sum + records.length, 0);
    expect(await ledgered(world.log, 1n)).toBe(all);

    // Transactions leave gaps in Kafka's offsets: back and forth, checkpoints have to be translated.
    await requireBoundLog({ log: world.log, projections: world.store });
    await migrate('kafka', world.folder, env, world.databaseUrl);
    const there = await world.store.checkpoints();
    // Once more, as somebody does who is not sure that it was done.
    await migrate('kafka', world.folder, env, world.databaseUrl);
    expect(await world.store.checkpoints()).toEqual(there);
    await expect(requireBoundLog({ log: world.log, projections: world.store })).rejects.toThrow(await world.log.identity());
    const moved = await withLog(env, world.folder, async (log) => {
      await requireBoundLog({ log, projections: world.store });
      const [first] = history({ seed: 6, streams: 1, segments: 1 }).filter(({ topic }) => topic === 'stream');
      for (let n = 0n; n < 3n; n++) {
        const record = { ...(first as NonNullable<typeof first>).record, headers: { ...first?.record.headers, ce_id: `gap-${n}` } };
        await log.append('stream', [record], { producer: { id: 'gaps', epoch: 1n, sequence: n } });
      }
      const over: World = { ...world, log };
      const follower = await hostOf(over, projections, { owner: 'over there' });
      await follower.start();
      await caughtUp(over, projections);
      await follower.stop();
      expect(await ledgered(log, 2n)).toBe(3);
      expect((await dumpRows(world, projections)).length).toBeGreaterThanOrEqual(rows.length);
      return contentOf(log);
    });
    const home = join(elsewhere, 'home');
    // The offsets of a third log cannot be translated.
    await expect(migrate('kafka', elsewhere, onKafka('third'), world.databaseUrl)).rejects.toThrow('The database belongs to the event log kafka:');
    const report = await migrate('embedded', home, env, world.databaseUrl);
    expect(report.database?.checkpoints).toBeGreaterThan(0);
    await withLog({ KAFKA_BROKERS: '' }, home, async (log) => {
      expect(await contentOf(log)).toEqual(moved);
      expect(await ledgered(log, 3n)).toBe(0);
      await expectTreesOf(log);
      const positions = await world.store.checkpoints();
      for (const { topic, partition, position } of positions) expect(position).toBe((await log.heads(topic))[partition]?.high);
    });
  });

  /** Commits commands, and has the relay carry their events to the log, as the platform does. */
  async function command(env: Env, folder: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) await world.aggregates.commit({ context: 'access', id, expectedVersion: 0n, state: {}, events: [revoked(id)] });
    const logger = await createLogger({ name: 'relay', node: 'test', logFormat: 'json', logLevel: 'silent' });
    await withLog(env, folder, async (log) => {
      const relay = new OutboxRelay({ owner: 'relay' }, { outbox: world.outbox, leases: world.leases, log, logger });
      await relay.start();
      try {
        for (const until = Date.now() + 20_000; (await world.outbox.backlog()).rows > 0; await pause(10)) {
          if (Date.now() > until) throw new Error('The outbox is not drained.');
        }
      } finally {
        await relay.stop();
      }
    });
  }

  test('there and back into the logs that were kept, with commands in between: each is on the log once, and more go through', async () => {
    const [there, here] = [onKafka('kept'), { KAFKA_BROKERS: '' }];
    const home = join(elsewhere, 'kept');
    const names = (from: number, count: number) => Array.from({ length: count }, (_, n) => `kept-${from + n}`);
    await command(here, home, names(0, 5));
    await migrate('kafka', home, there);
    await command(there, home, names(5, 7));
    const back = await migrate('embedded', home, there);
    expect(back.topics.find(({ topic }) => topic === 'access')).toMatchObject({ records: 12, found: 5 });
    await command(here, home, names(12, 3));
    await migrate('kafka', home, there);
    await command(there, home, names(15, 2));
    const ids = (await withLog(there, home, contentOf)).flat().map(({ headers }) => headers['ce_id'] ?? '');
    expect(ids.filter((id) => id.startsWith('kept-')).toSorted()).toEqual(names(0, 17).toSorted());
  });
});
