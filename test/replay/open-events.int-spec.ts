import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { Database, PostgresProjectionStore } from '#adapters/postgres';
import { admitEvent, catalogue, decodeEvent, EventInvalidError, type DomainEvent, type EventDefinition } from '#events';
import { ChangeFold, type Projection } from '#kernel';
import { runMigrations } from '#migrations';
import { projections } from '#read-models';

/** What programs stumble over: names that every object has, halves of pairs, ends of lines, what databases read as something else. */
const texts = [
  ...['a', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'NULL', '\\N', '\\', '"', "'", '{}', '🎬', 'x'.repeat(64)],
  ...['\ud800', '\udc00x', 'a\ud83d', '\u0000', '\u0001', '\u007f', '\u2028', '\ufeff', '\uffff', '\t', '\n', '\r'],
];
const numbers = [0, 1, 2 ** 31, 2 ** 32, 1e15, Number.MAX_SAFE_INTEGER, -1, 0.5, 1e300];
const attributes = ['id', 'source', 'correlationid', 'causationid', 'myextension'] as const;
const open = catalogue.filter(({ publishers }) => publishers === 'anyone') as readonly EventDefinition[];

let postgres: TemporaryPostgres;
let database: Database;

beforeAll(async () => {
  postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
  database = new Database({ url: postgres.url });
}, 60_000);

afterAll(async () => {
  await database?.close();
  await postgres?.stop();
});

function othersOf(value: unknown): readonly unknown[] {
  if (typeof value === 'number') return numbers;
  return Array.isArray(value) ? texts.map((text) => [text, 'b', text]) : texts;
}

let ids = 0;
/** The event as it is on the log when the door takes it; undefined when it does not. */
function admitted(type: string, data: object, given: object = {}): DomainEvent | undefined {
  const asked = { specversion: '1.0', id: `e-${++ids}`, source: '/s', type, ...given };
  const context = { nowMs: Date.now(), tenant: 'acme', actor: 'key:k', correlationId: 'c', traceparent: '', mayPublish: () => true };
  try {
    return decodeEvent(admitEvent({ attributes: asked, data: { value: data } }, context).record as never);
  } catch (error) {
    if (error instanceof EventInvalidError) return undefined;
    throw error;
  }
}

function eventsOf(definition: EventDefinition): readonly DomainEvent[] {
  const sample = definition.samples.at(-1) as Readonly<Record<string, unknown>>;
  const odd = Object.keys(sample).flatMap((field) => othersOf(sample[field]).map((value) => admitted(definition.type, { ...sample, [field]: value })));
  const spoken = attributes.flatMap((name) => texts.map((text) => admitted(definition.type, sample, { [name]: text })));
  return [...odd, ...spoken].filter((event) => event !== undefined);
}

test('what the door takes of anybody, every read model takes: nobody parks an event by what is in it', async () => {
  const store = new PostgresProjectionStore(database);
  const events = open.flatMap(eventsOf);
  expect(new Set(events.map(({ type }) => type)).size).toBe(open.length);
  const take = async (projection: Projection<DomainEvent>, some: readonly DomainEvent[]): Promise<void> => {
    const fold = new ChangeFold(projection.tables);
    for (const event of some) for (const change of projection.project(event, event.time)) fold.add(change);
    const at = { topic: projection.contexts[0] as string, partition: 0 };
    const from = await store.claim(projection, at, 1n);
    await store.commit({ projection, at, from, to: from + BigInt(some.length), epoch: 1n, changes: fold.changes() });
  };
  let taken = 0;
  for (const projection of projections) {
    const mine = events.filter(({ type }) => projection.handles.includes(type));
    if (mine.length === 0) continue;
    await store.ensure(projection);
    // Each by itself, for of several the last word alone is written, and then in one fold, upon the rows that they made.
    for (const event of mine) await take(projection, [event]);
    await take(projection, mine.toReversed());
    taken += mine.length;
  }
  expect(taken).toBeGreaterThan(events.length / 2);
}, 60_000);
