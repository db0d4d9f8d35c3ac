import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EmbeddedPostgres } from '#adapters/embedded-postgres';
import { keyRevoked, type EventEnvelope } from '#events';
import { runMigrations } from '#migrations';
import { endingPostgres } from '../../../test/constellation/engines/index.ts';
import { Database } from './database.ts';
import { PostgresAggregateStore } from './postgres-aggregate-store.adapter.ts';
import { PostgresOutbox } from './postgres-outbox.adapter.ts';

let dataDir = '';
let server: EmbeddedPostgres;
let database: Database;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'streams-database-'));
  await chmod(dataDir, 0o755);
  server = await EmbeddedPostgres.start({ dataDir });
  database = new Database({ url: server.url, connectionsMax: 12 });
});

afterAll(async () => {
  await database.close();
  await server.stop();
  await EmbeddedPostgres.remove(dataDir);
  await rm(dataDir, { recursive: true, force: true });
});

function eventOf(id: string, streamVersion: bigint): EventEnvelope {
  const common = {
    source: '/test/1',
    time: 1_790_000_000_123,
    tenant: 'default',
    correlationId: 'c',
    causationId: 'c',
    traceparent: '',
    actor: 'system:test',
    producerEpoch: 0n,
  };
  return { ...common, id: `${id}-${streamVersion}`, type: keyRevoked.type, version: 1, subject: id, key: id, streamVersion, data: { keyId: id, reason: 'r' } };
}

describe('migrations', () => {
  test('run once, whoever comes first, and find nothing to do later', async () => {
    await Promise.all(Array.from({ length: 5 }, () => runMigrations(server.url)));
    const before = await database.run({ text: 'SELECT incarnation, last FROM streams.outbox_state' });
    await runMigrations(server.url);
    expect(await database.run({ text: 'SELECT incarnation, last FROM streams.outbox_state' })).toEqual(before);
    const names = (await database.run({ text: 'SELECT name FROM streams.migrations' })).rows.map(([name]) => String(name));
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names).size).toBe(names.length);
  });

  test('say when the database is not there', async () => {
    await expect(runMigrations('postgresql://streams:x@127.0.0.1:1/streams')).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
  });
});

test('a relay that reads while many commit sees every row once, in order, without gaps', async () => {
  const [aggregates, outbox] = [new PostgresAggregateStore(database), new PostgresOutbox(database)];
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let n = 0; n < 25; n++) {
      const id = `w${writer}-${n}`;
      await aggregates.commit({ context: 'access', id, expectedVersion: 0n, state: {}, events: [eventOf(id, 1n), eventOf(id, 2n)] });
    }
  });
  const seen: bigint[] = [];
  while (seen.length < 400) {
    const rows = await outbox.take(16, 5000);
    seen.push(...rows.map(({ sequence }) => sequence));
    await outbox.forget(seen.at(-1) as bigint);
  }
  await Promise.all(writers);
  const first = seen[0] as bigint;
  expect(seen).toEqual(Array.from({ length: 400 }, (_, n) => first + BigInt(n)));
  expect(await outbox.take(16, 0)).toEqual([]);
});

describe('when the server restarts', () => {
  test('a statement under way fails as retryable, and the pool comes back by itself', async () => {
    const sleeping = database.run({ text: 'SELECT pg_sleep(60)' });
    const transaction = database.transaction((run) => run({ text: 'SELECT pg_sleep(60)' }));
    const failures = Promise.allSettled([sleeping, transaction]);
    await database.run({ text: 'SELECT 1' });
    process.kill(server.pid, 'SIGKILL');
    await server.ended;
    const reading = database.read({ text: 'SELECT 42' }, 30_000);
    server = await EmbeddedPostgres.start({ dataDir });
    for (const failure of await failures) expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'DATABASE_UNAVAILABLE', retryable: true } });
    expect((await reading).rows).toEqual([['42']]);
    expect((await database.transaction((run) => run({ text: 'SELECT 43' }))).rows).toEqual([['43']]);
  });

  test('a read gives up when the server stays away', async () => {
    const away = new Database({ url: 'postgresql://streams:x@127.0.0.1:1/streams' });
    await expect(away.read({ text: 'SELECT 1' }, 100)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await away.close();
  });
});

describe('failures have codes', () => {
  test.each([
    ['SELECT 1 / 0', 'DATABASE_VALUE_INVALID', false],
    ['SELECT nonsense', 'DATABASE_FAILED', false],
    ["SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(10)", 'DATABASE_TIMEOUT', true],
  ])('%s', async (text, code, retryable) => {
    await expect(database.transaction((run) => run({ text }))).rejects.toMatchObject({ code, retryable });
    expect((await database.run({ text: 'SELECT 1' })).rows).toEqual([['1']]);
  });

  test('a wrong password is not worth a retry', async () => {
    const url = new URL(server.url);
    url.password = 'wrong';
    const refused = new Database({ url: url.href });
    await expect(refused.run({ text: 'SELECT 1' })).rejects.toMatchObject({ code: 'DATABASE_REFUSED', retryable: false });
    await refused.close();
  });

  test.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown user', { username: 'nobody' }],
    ['no such database', { pathname: '/nowhere' }],
  ])('%s: the first that asks, which brings the tables up to date, is refused for good', async (_what, change) => {
    const url = Object.assign(new URL(server.url), change);
    const refusal = { code: 'DATABASE_REFUSED', retryable: false, message: expect.stringMatching(/^The database refuses us: .*\. Check DATABASE_URL\.$/) };
    await expect(runMigrations(url.href)).rejects.toMatchObject(refusal);
  });
});

describe('a server that ends as it becomes ready', () => {
  test.each([
    ['a statement', (one: Database) => one.run({ text: 'SELECT 1' })],
    ['a transaction', (one: Database) => one.transaction((run) => run({ text: 'SELECT 1' }))],
    ['a pipeline', async (one: Database) => Promise.reject((await one.atomically([{ name: '', text: 'SELECT 1' }]))?.error)],
  ])('fails %s, and not the process', async (_, work) => {
    const ending = await endingPostgres();
    const one = new Database({ url: ending.url });
    await expect(work(one)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await one.close();
    await ending.close();
  });
});
