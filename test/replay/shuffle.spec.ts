import { describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryProjectionStore } from '#adapters/memory';
import { catalogue, decodeEvent, type DomainEvent } from '#events';
import { ChangeFold, Prng, wholeStampGroups, type Projection } from '#kernel';
import { projections } from '#read-models';
import { history, type RecordedEvent } from './history.ts';

function eventsOf(projection: Projection<DomainEvent>, events: readonly RecordedEvent[]): readonly DomainEvent[] {
  return events
    .filter(({ topic, record }) => projection.contexts.includes(topic) && projection.handles.includes(record.headers['ce_type'] as string))
    .map(({ record }) => decodeEvent(record));
}

/** Projects the events in batches, as a consumer host would, and answers all rows as one text. */
async function rowsAfter(projection: Projection<DomainEvent>, events: readonly DomainEvent[], batchSize: () => number): Promise<string> {
  const store = new MemoryProjectionStore(new ManualClock());
  await store.ensure(projection);
  let position = 0n;
  for (let at = 0; at < events.length;) {
    const fold = new ChangeFold(projection.tables);
    const batch = events.slice(at, (at += batchSize()));
    for (const event of batch) for (const change of projection.project(event)) fold.add(change);
    const from = position;
    position += BigInt(batch.length);
    await store.commit({ projection, at: { topic: 'any', partition: 0 }, from, to: position, epoch: 1n, changes: fold.changes() });
  }
  return projection.tables.map((table) => rowsText(store.serving(table) ?? [])).join('\n');
}

function rowsText(rows: ReadonlyArray<{ table: string; key: object; set: object }>): string {
  return rows
    .map(({ table, key, set }) => JSON.stringify([table, inOrder(key), inOrder(set)], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
    .sort()
    .join('\n');
}

function inOrder(fields: object): unknown[] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Every event at least once, a third of them twice, in any order. */
function shuffled(events: readonly DomainEvent[], dice: Prng): readonly DomainEvent[] {
  const all = [...events, ...events.filter(() => dice.next() < 0.33)];
  for (let at = all.length - 1; at > 0; at--) {
    const other = dice.nextInteger(0, at);
    [all[at], all[other]] = [all[other] as DomainEvent, all[at] as DomainEvent];
  }
  return all;
}

test('every type of the catalogue is read by a projection: nothing invalid can lie in the log unnoticed', () => {
  const handled = new Set(projections.flatMap(({ handles }) => handles));
  expect(catalogue.filter(({ type }) => !handled.has(type))).toEqual([]);
  for (const { contexts, handles, ignores } of projections) {
    const read = catalogue.filter(({ context }) => contexts.includes(context)).map(({ type }) => type);
    expect([...handles, ...ignores].sort()).toEqual(read.sort());
  }
});

describe.each(projections.map((projection) => [projection.name, projection] as const))('the read model %s', (_name, projection) => {
  test.each([1, 2, 3])('is the same in every order and with repetitions (seed %i)', async (seed) => {
    const dice = new Prng(seed);
    const events = eventsOf(projection, history({ seed, streams: 6, segments: 3, edges: 3 }));
    expect(events.length).toBeGreaterThan(3);
    const inOrderOfTime = await rowsAfter(projection, events, () => 50);
    expect(inOrderOfTime.length).toBeGreaterThan(100);
    for (let round = 0; round < 3; round++) expect(await rowsAfter(projection, shuffled(events, dice), () => dice.nextInteger(1, 40))).toBe(inOrderOfTime);
  });

  test('sets whole stamp groups of columns that exist', () => {
    for (const event of eventsOf(projection, history({ seed: 9, streams: 6, segments: 2 }))) {
      for (const change of projection.project(event)) {
        const table = projection.tables.find(({ name }) => name === change.table);
        expect(table).toBeDefined();
        if (table !== undefined) expect(wholeStampGroups(table, change)).toEqual([]);
        expect(Object.keys(change.set).filter((column) => table?.columns[column] === undefined)).toEqual([]);
        expect(Object.keys(change.key)).toEqual(Object.keys(table?.key ?? {}));
      }
    }
  });
});
