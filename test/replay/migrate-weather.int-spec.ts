/** @needs java maven */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openEngines } from '#adapters/engines';
import type { LogRecord } from '#events';
import { hasCode } from '#kernel';
import type { EventLog } from '#ports';
import { pause, readSharedSettings } from '#runtime';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrateLog, type LogEngine, type MigrationReport } from '../../apps/streams/migrate/migrate-log.command.ts';
import { readStreamsSettings } from '../../apps/streams/streams.config.ts';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { openWorld, type World } from './world.ts';

jest.setTimeout(180_000);

type Env = Readonly<Record<string, string>>;

const cli = fileURLToPath(new URL('../../apps/streams/main.js', import.meta.url));
const here: Env = { KAFKA_BROKERS: '' };
const topic = 'stream';
const partitions = 12;

const recordsOf = (name: string, count: number, size = 10): LogRecord[] =>
  Array.from({ length: count }, (_, n) => ({ key: `k${n % 40}`, headers: { ce_id: `${name}-${n}` }, value: `${n}`.padEnd(size, '.') }));

describe('streams migrate-log, in bad weather', () => {
  let kafka: Kafka;
  let world: World;
  let folder: string;

  beforeAll(async () => {
    kafka = await sharedKafka();
    world = await openWorld();
    folder = await mkdtemp(join(tmpdir(), 'streams-weather-'));
  }, kafkaStartTimeoutMs);

  afterAll(async () => {
    await world?.close();
    await kafka?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const onKafka = (topics: string): Env => ({ ...kafka.env, KAFKA_TOPIC_PREFIX: `${topics}-${kafka.env['KAFKA_TOPIC_PREFIX']}` });

  interface Move {
    readonly to: LogEngine;
    readonly dataDir: string;
    readonly env: Env;
    readonly databaseUrl?: string;
    /** Told every line that the command says. */
    readonly say?: (line: string) => void;
  }

  function migrate({ to, dataDir, env, databaseUrl = '', say = () => undefined }: Move): Promise<MigrationReport> {
    const settings = readStreamsSettings({ ...env, STREAMS_DATA_DIR: dataDir, DATABASE_URL: databaseUrl });
    return migrateLog({ settings, to, say, showProgress: () => undefined });
  }

  async function withLog<Result>(env: Env, dataDir: string, work: (log: EventLog) => Promise<Result>): Promise<Result> {
    const engines = await openEngines(readSharedSettings({ ...env, STREAMS_DATA_DIR: dataDir }), 'log');
    try {
      return await work(engines.log);
    } finally {
      await engines.close();
    }
  }

  async function idsOf(log: EventLog): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const { partition, low, high } of await log.heads(topic)) {
      for (let from = low; from < high;) {
        const { records, next } = await log.read(topic, partition, from, { recordsMax: 5000, bytesMax: 10_000_000, waitMs: 0 });
        ids.push(...records.map(({ headers }) => `${partition} ${headers['ce_id']}`));
        from = next;
      }
    }
    return ids;
  }

  async function countOf(log: EventLog): Promise<bigint> {
    try {
      return (await log.heads(topic)).reduce((sum, { high }) => sum + high, 0n);
    } catch (error) {
      if (hasCode(error, 'TOPIC_UNKNOWN')) return 0n;
      throw error;
    }
  }

  test('refuses while an app anywhere holds a lease, and names it; not once the lease was given up', async () => {
    const env = onKafka('living');
    const move: Move = { to: 'kafka', dataDir: world.folder, env, databaseUrl: world.databaseUrl };
    const lease = await world.leases.acquire('consumer/streams', 'projector@another-machine', 60_000);
    await expect(migrate(move)).rejects.toThrow('projector@another-machine holds the lease consumer/streams');
    await expect(withLog(env, world.folder, (log) => log.heads(topic))).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await world.leases.release(lease as NonNullable<typeof lease>);
    expect((await migrate(move)).to).toBe('kafka');
  });

  test.each(['source', 'target'] as const)('refuses while somebody writes to the %s, and names the topic', async (written) => {
    const env = onKafka(`written-${written}`);
    const dataDir = join(folder, `written-${written}`);
    for (const log of [env, here]) await withLog(log, dataDir, (one) => one.ensureTopic(topic, partitions));
    let isOver = false;
    const writing = withLog(written === 'source' ? here : env, dataDir, async (log) => {
      for (let n = 0; !isOver; n++) {
        await log.append(topic, [{ key: 'k', headers: {}, value: `${n}` }]);
        await pause(100);
      }
    });
    try {
      const which = written === 'source' ? 'the log that is to be copied' : 'the log that it is copied to';
      await expect(migrate({ to: 'kafka', dataDir, env })).rejects.toThrow(new RegExp(`^Somebody writes to ${topic}/[0-9]+ of ${which}`));
    } finally {
      isOver = true;
      await writing;
    }
  });

  test('an event that comes while it copies is not left behind in silence: checkpoints stay, and once more takes it along', async () => {
    const env = onKafka('late');
    const dataDir = join(folder, 'late');
    await withLog(here, dataDir, async (log) => {
      await log.ensureTopic(topic, partitions);
      await log.append(topic, recordsOf('early', 100));
    });
    const late: Array<Promise<unknown>> = [];
    const say = (): void => void late.push(withLog(here, dataDir, (log) => log.append(topic, recordsOf('late', 1))));
    await expect(migrate({ to: 'kafka', dataDir, env, say })).rejects.toThrow(`Somebody writes to ${topic}/`);
    await Promise.all(late);
    expect(late).toHaveLength(1);
    const again = await migrate({ to: 'kafka', dataDir, env });
    expect(again.topics).toMatchObject([{ topic, records: 101, found: 100 }]);
  });

  test('who appends under an expected version goes on in the copy as in the original, there and back', async () => {
    const env = onKafka('versions');
    const dataDir = join(folder, 'versions');
    const expecting = (version: bigint) => ({ expected: { subject: 'mirror/elsewhere/3', version } });
    await withLog(here, dataDir, async (log) => {
      await log.ensureTopic(topic, partitions);
      await log.append(topic, recordsOf('one', 3), expecting(0n));
    });
    await migrate({ to: 'kafka', dataDir, env });
    await withLog(env, dataDir, async (log) => {
      await expect(log.append(topic, recordsOf('stale', 1), expecting(0n))).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
      await log.append(topic, recordsOf('two', 2), expecting(3n));
    });
    const home = join(folder, 'versions-home');
    for (const back of [home, dataDir]) {
      await migrate({ to: 'embedded', dataDir: back, env });
      await withLog(here, back, async (log) => {
        await expect(log.append(topic, recordsOf('stale', 1), expecting(3n))).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
        await log.append(topic, recordsOf('three', 1), expecting(5n));
      });
    }
  });

  test.each(['kafka', 'embedded'] as const)('killed in the middle of a copy to %s, the same command goes on and loses nothing', async (to) => {
    const env = onKafka(`killed-${to}`);
    const dataDir = join(folder, `killed-${to}`);
    const [source, target] = to === 'kafka' ? [here, env] : [env, here];
    const original = await withLog(source, dataDir, async (log) => {
      await log.ensureTopic(topic, partitions);
      for (let n = 0; n < 30; n++) await log.append(topic, recordsOf(`r${n}`, 2000, 300));
      return idsOf(log);
    });
    await withLog(target, dataDir, async (log) => {
      const child = spawn(process.execPath, [cli, 'migrate-log', '--to', to], {
        env: { ...process.env, ...env, STREAMS_DATA_DIR: dataDir, DATABASE_URL: '' },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      while (child.exitCode === null && (await countOf(log)) === 0n) await pause(2);
      child.kill('SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);
    });
    const { topics } = await migrate({ to, dataDir, env });
    expect(topics).toMatchObject([{ topic, records: original.length }]);
    expect(topics[0]?.found).toBeGreaterThan(0);
    expect(topics[0]?.found).toBeLessThan(original.length);
    expect(await withLog(target, dataDir, idsOf)).toEqual(original);
  });
});
