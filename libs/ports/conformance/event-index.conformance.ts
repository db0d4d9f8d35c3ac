import { describe, expect, test } from '@jest/globals';
import type { EventIndex, IndexedEvent, IndexFilter, IndexPage } from '../event-index.port.ts';
import { operatingError, useSubject, type Subject, type SubjectFactory } from './subject.ts';

/** What every event index promises. */
export function eventIndexConformance(name: string, factory: SubjectFactory<EventIndex>): void {
  describe(`${name} is an event index`, () => {
    const subject = useSubject(factory);
    keeping(subject);
    searching(subject);
    relating(subject);
  });
}

const uuid = (n: number): string => `01926f4e-7d3a-7000-8000-${String(n).padStart(12, '0')}`;
const log = 'embedded:conformance';
let epoch = 1n;

function event(n: number, more: Partial<IndexedEvent> = {}): IndexedEvent {
  return {
    ...{ id: uuid(n), type: 'stream.started', topic: 'stream', partition: 3, offset: BigInt(n), recordedAt: 1000 + n, time: 900 + n },
    ...{ subject: `st-${n}`, tenant: 'default', actor: 'key:k-1', correlationId: uuid(n), causationId: uuid(n) },
    ...more,
  };
}

/** An index with these events and no others. */
async function filled(port: EventIndex, events: readonly IndexedEvent[]): Promise<void> {
  await port.reset();
  await port.claim(++epoch, log);
  await port.append({ epoch, moves: [{ topic: 'stream', partition: 3, from: 0n, to: 100n }], events });
}

function keeping(subject: () => Subject<EventIndex>): void {
  test('positions move with the events, and only from where they stand', async () => {
    const { port } = subject();
    await filled(port, [event(1), event(2)]);
    expect(await port.claim(epoch, log)).toEqual([{ topic: 'stream', partition: 3, position: 100n, movedAtMs: expect.any(Number) }]);
    const late = { epoch, moves: [{ topic: 'stream', partition: 3, from: 0n, to: 5n }], events: [event(3)] };
    await expect(port.append(late)).rejects.toEqual(operatingError('INDEX_FENCED'));
    expect(await port.find([uuid(3)])).toEqual([]);
    const moves = [
      { topic: 'cache', partition: 0, from: 0n, to: 7n },
      { topic: 'stream', partition: 3, from: 100n, to: 101n },
    ];
    await port.append({ epoch, moves, events: [] });
    expect((await port.positions()).map(({ topic, position }) => `${topic} ${position}`)).toEqual(['cache 7', 'stream 101']);
  });

  test('an older owner is refused, before and after', async () => {
    const { port } = subject();
    await filled(port, []);
    await expect(port.claim(epoch - 1n, log)).rejects.toEqual(operatingError('INDEX_FENCED'));
    const move = { topic: 'stream', partition: 3, from: 100n, to: 101n };
    await expect(port.append({ epoch: epoch - 1n, moves: [move], events: [event(1)] })).rejects.toEqual(operatingError('INDEX_FENCED'));
    expect(await port.find([uuid(1)])).toEqual([]);
  });

  test('another log begins with an empty index', async () => {
    const { port } = subject();
    await filled(port, [event(1)]);
    expect(await port.claim(epoch, 'kafka:other/')).toEqual([]);
    expect(await port.find([uuid(1)])).toEqual([]);
    await port.claim(epoch, log);
  });

  test('an index that was emptied is claimed anew before anything is written to it', async () => {
    const { port } = subject();
    await filled(port, [event(1)]);
    await port.reset();
    const batch = { epoch, moves: [{ topic: 'cache', partition: 7, from: 0n, to: 1n }], events: [event(2)] };
    await expect(port.append(batch)).rejects.toEqual(operatingError('INDEX_FENCED'));
    expect(await port.claim(epoch, log)).toEqual([]);
    await port.append(batch);
    expect((await search(port, {})).events.map(({ id }) => id)).toEqual([uuid(2)]);
  });

  test('what is old is forgotten when asked to', async () => {
    const { port } = subject();
    await filled(port, [event(1), event(2), event(3)]);
    await port.tend();
    await port.tend(1002);
    expect((await search(port, {})).events.map(({ id }) => id)).toEqual([uuid(3), uuid(2)]);
  });

  test('ids of outsiders and characters of any kind come back as they were', async () => {
    const { port } = subject();
    const odd = event(1, { id: 'order-17', causationId: 'a/b', subject: 'tab\t "quoted" \\ ☃', actor: 'x'.repeat(300) });
    await filled(port, [odd]);
    expect(await port.find(['order-17'])).toEqual([odd]);
    expect(await port.causedBy(['a/b'], 10)).toEqual([odd]);
  });
}

function search(port: EventIndex, filter: IndexFilter, more: Partial<Parameters<EventIndex['search']>[0]> = {}): Promise<IndexPage> {
  return port.search({ filter, limit: 100, budgetMs: 10_000, ...more });
}

const mixed = [
  event(1, { subject: 'st-a', type: 'stream.created' }),
  event(2, { subject: 'st-a/720p', type: 'segment.produced', actor: 'system:media' }),
  event(3, { subject: 'st-ab', tenant: 'acme' }),
  event(4, { topic: 'cache', partition: 1, subject: 'pg-1', type: 'purge.requested', correlationId: uuid(2) }),
  event(5, { topic: 'cache', partition: 1, subject: 'pg-1/edge-1', type: 'purge.applied', actor: 'edge:edge-1', correlationId: uuid(2), causationId: uuid(4) }),
];

function searching(subject: () => Subject<EventIndex>): void {
  test.each<readonly [string, IndexFilter, readonly number[]]>([
    ['nothing: everything, the newest first', {}, [5, 4, 3, 2, 1]],
    ['a context', { contexts: ['cache'] }, [5, 4]],
    ['no context at all', { contexts: [] }, []],
    ['types', { types: ['purge.applied', 'stream.created'] }, [5, 1]],
    ['a type of another context', { types: ['purge.applied'], contexts: ['stream'] }, []],
    ['a subject and what is under it, not what begins alike', { subject: 'st-a' }, [2, 1]],
    ['how subjects begin', { subjectPrefix: 'st-a' }, [3, 2, 1]],
    ['how subjects begin, below their first part', { subjectPrefix: 'st-a/7' }, [2]],
    ['a tenant', { tenant: 'acme' }, [3]],
    ['a tenant that there is not', { tenant: 'nobody' }, []],
    ['texts that no engine can hold', { subject: 'a\u0000b', subjectPrefix: '\u0000', actor: '\u0000', tenant: '\u0000' }, []],
    ['a subject that no engine can hold', { subject: 'a\u0000b' }, []],
    ['an actor', { actor: 'system:media' }, [2]],
    ['a request', { correlationId: uuid(2) }, [5, 4, 2]],
    ['a cause', { causationId: uuid(4) }, [5, 4]],
    ['several at once', { subject: 'pg-1', types: ['purge.applied'], tenant: 'default' }, [5]],
  ])('by %s', async (_what, filter, wanted) => {
    const { port } = subject();
    await filled(port, mixed);
    const { events, searchedTo } = await search(port, filter);
    expect(events).toEqual(wanted.map((n) => mixed[n - 1]));
    expect(searchedTo).toBeUndefined();
  });

  test('by time: from, inclusive, until, exclusive', async () => {
    const { port } = subject();
    await filled(port, mixed);
    expect((await search(port, {}, { fromMs: 1002, untilMs: 1004 })).events.map(({ offset }) => offset)).toEqual([3n, 2n]);
    expect((await search(port, { tenant: 'default' }, { fromMs: 1002, untilMs: 1004 })).events.map(({ offset }) => offset)).toEqual([2n]);
  });

  test('page by page nothing is left out and nothing comes twice, also among events of one moment', async () => {
    const { port } = subject();
    const events = Array.from({ length: 23 }, (_, n) => event(n, { recordedAt: 1000 + Math.floor(n / 7), subject: n % 2 === 0 ? 'st-even' : 'st-odd' }));
    await filled(port, events);
    for (const [filter, count] of [[{}, 23] as const, [{ subject: 'st-even' }, 12] as const]) {
      const seen: bigint[] = [];
      let page = await search(port, filter, { limit: 5 });
      for (;;) {
        seen.push(...page.events.map(({ offset }) => offset));
        if (page.searchedTo === undefined) break;
        page = await search(port, filter, { limit: 5, before: page.searchedTo });
      }
      expect(seen).toHaveLength(count);
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(b - a)));
    }
  });
}

function relating(subject: () => Subject<EventIndex>): void {
  test('events are found by id, and by what caused them, the oldest first and no more than asked for', async () => {
    const { port } = subject();
    const children = [4, 2, 3].map((n) => event(n, { causationId: uuid(1) }));
    await filled(port, [event(1, { causationId: 'req-1' }), ...children, event(9, { causationId: uuid(3) })]);
    expect((await port.find([uuid(9), uuid(1), uuid(7)])).map(({ id }) => id)).toEqual([uuid(1), uuid(9)]);
    expect((await port.causedBy([uuid(1), uuid(3)], 10)).map(({ id }) => id)).toEqual([uuid(2), uuid(3), uuid(4), uuid(9)]);
    expect((await port.causedBy([uuid(1)], 2)).map(({ id }) => id)).toEqual([uuid(2), uuid(3)]);
    expect(await port.causedBy([], 10)).toEqual([]);
  });
}
