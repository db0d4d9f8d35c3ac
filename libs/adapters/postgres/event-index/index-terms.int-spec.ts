import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import type { IndexedEvent } from '#ports';
import { runMigrations } from '#migrations';
import { Database } from '../database.ts';
import { PostgresEventIndex } from './postgres-event-index.adapter.ts';

const hourMs = 3_600_000;
let server: Awaited<ReturnType<typeof temporaryPostgres>>;
let database: Database;
let index: PostgresEventIndex;
let read = 0n;

beforeAll(async () => {
  server = await temporaryPostgres();
  await runMigrations(server.url);
  database = new Database({ url: server.url });
  index = new PostgresEventIndex(database);
  await index.claim(1n, 'log');
});
afterAll(async () => {
  await database.close();
  await server.stop();
});

const uuid = (n: bigint): string => `01926f4e-7d3a-7000-8000-${String(n).padStart(12, '0')}`;

async function append(actor: string, recordedAt: number): Promise<void> {
  const id = uuid(read);
  const event: IndexedEvent = {
    ...{ id, type: 'stream.started', topic: 'stream', partition: 0, offset: read, recordedAt, time: recordedAt, subject: 'st-1' },
    ...{ tenant: 'default', actor, correlationId: id, causationId: id },
  };
  await index.append({ epoch: 1n, moves: [{ topic: 'stream', partition: 0, from: read, to: ++read }], events: [event] });
}

const actors = async (): Promise<unknown[]> =>
  (await database.read({ text: "SELECT term FROM streams.event_index_terms WHERE kind = 'a' ORDER BY 1" })).rows.map(([term]) => term);
const countOf = async (actor: string): Promise<number> => (await index.search({ filter: { actor }, limit: 10, budgetMs: 10_000 })).events.length;

test('whoever was heard of last in what is forgotten is forgotten with it, and may come again', async () => {
  await append('jwt:alice', 1000);
  await append('jwt:bob', 1000);
  await append('jwt:bob', 9 * hourMs);
  await index.tend(4 * hourMs);
  expect(await actors()).toEqual(['jwt:bob']);
  await append('jwt:alice', 9 * hourMs + 1);
  expect([await countOf('jwt:alice'), await countOf('jwt:bob')]).toEqual([1, 1]);
  // One that another process forgot meanwhile gets a number again as well.
  await append('jwt:bob', 11 * hourMs);
  expect(await countOf('jwt:bob')).toBe(2);
});

test('an index that is made anew knows nobody but of the events that it reads then', async () => {
  await index.reset();
  await index.claim(1n, 'log');
  expect(await actors()).toEqual([]);
  read = 0n;
  await append('key:k-1', 1000);
  expect([await actors(), await countOf('key:k-1'), await countOf('jwt:alice')]).toEqual([['key:k-1'], 1, 0]);
});

test('an index from before this version is made anew', async () => {
  await database.run({ text: 'UPDATE streams.event_index_state SET version = 1' });
  expect(await index.claim(2n, 'log')).toEqual([]);
  expect(await actors()).toEqual([]);
});
