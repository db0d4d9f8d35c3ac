import { describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryEventIndex } from '#adapters/memory';
import { accessRefused, encodeEvent, maskedActor, maskedData, maskedRecord, streamStarted, type LogRecord } from '#events';
import type { IndexedEvent } from '#ports';
import { causationTree } from './causation-tree.ts';
import { EventExpression } from './event-expression.ts';
import { formatCursor, parseCursor } from './index-cursor.codec.ts';

const event = { type: 'segment.produced', subject: 'st-1/720p', time: new Date(1_790_000_000_000), tenant: 'default' };
const data = { n: 12, ratio: 0.5, name: 'abc', list: [{ a: 1 }, { a: 2 }], deep: { none: null } };

describe('an expression', () => {
  test.each([
    ['data.n > 10', true],
    ['data.n + 1 == 13 && data.n % 5 == 2', true],
    ['data.ratio < 1 && data.n > 11.5', true],
    ['data.name.startsWith("ab") || data.missing == 1', true],
    ['has(data.missing)', false],
    ['data.?missing.orValue(3) == 3', true],
    ['data.list.exists(x, x.a == 2)', true],
    ['data.list.all(x, x.a == 2)', false],
    ['data.deep.none == null', true],
    ['"n" in data && data.n in [11, 12]', true],
    ['event.type == "segment.produced" && event.subject.contains("720p")', true],
    ['event.time > timestamp("2026-01-01T00:00:00Z")', true],
  ])('%s is %j', (text, verdict) => {
    expect(EventExpression.parse(text).judge({ data, event })).toBe(verdict);
  });

  test.each([
    ['data.missing == 1', 'No such key: missing'],
    ['data.name > 1', expect.stringContaining('no such overload')],
    ['data.n', 'It is neither true nor false.'],
    ['data.constructor == 1', 'No such key: constructor'],
    ['data.__proto__.x == 1', 'No such key: __proto__'],
  ])('%s does not apply, and says why', (text, problem) => {
    expect(EventExpression.parse(text).judge({ data, event })).toEqual({ problem });
  });

  test.each([
    ['data.n >', /^query\.where: Unexpected token: EOF at character 9\.$/],
    ['datas.n > 1', /Unknown variable: datas at character 1\.$/],
    ['1 + 2', /it must be true or false, but is of type int\.$/],
    ['data.name.matches("(a+)+$")', /matches\(\) is not available here/],
    ['data.list.exists(x, data.list.exists(y, x == y))', /exists\(\) inside another loop is not available here/],
    ['data.list.map(x, x.a).size() > 1', /map\(\) is not available here/],
    [Array.from({ length: 300 }, () => 'data.n == 1').join(' || '), /query\.where: /],
    [`${'('.repeat(60)}true${')'.repeat(60)}`, /query\.where: /],
  ])('%s is refused at its place', (text, detail) => {
    expect(() => EventExpression.parse(text)).toThrow(detail);
  });
});

function recordOf(definition: typeof accessRefused | typeof streamStarted, sample: unknown, actor: string): LogRecord {
  const typed = definition as { readonly type: string; readonly version: number; key(data: unknown): string; subject(data: unknown): string };
  const common = { id: 'e-1', source: '/test', time: 1, tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '' };
  const place = { key: typed.key(sample), subject: typed.subject(sample), streamVersion: 1n, producerEpoch: 0n };
  return encodeEvent({ ...common, ...place, actor, type: typed.type, version: typed.version, data: sample });
}

describe('masking', () => {
  test('personal fields are masked, and what is made of them: subject, key, actor', () => {
    const sample = accessRefused.samples.at(-1) as { address: string };
    const record = recordOf(accessRefused, sample, 'jwt:alice@example.com');
    expect(JSON.stringify(record)).toContain(sample.address);
    const shown = maskedRecord(record);
    expect(JSON.stringify(shown)).not.toContain(sample.address);
    expect(shown.key).toBe('***');
    expect(shown.headers).toMatchObject({ ce_subject: 'refusals/***', ce_partitionkey: '***', ce_actor: 'jwt:***' });
    expect(JSON.parse(shown.value)).toEqual({ ...sample, address: '***' });
  });

  test('everything else of the event stays, and an event without anything personal is the same object', () => {
    const record = recordOf(streamStarted, streamStarted.samples.at(-1), 'publisher:192.0.2.1');
    const shown = maskedRecord(record);
    expect(shown.headers).toEqual({ ...record.headers, ce_actor: 'publisher:***' });
    expect(JSON.parse(shown.value)).toEqual({ ...JSON.parse(record.value), remoteAddress: '***' });
    const plain = { ...record, headers: { ...record.headers, ce_type: 'segment.produced', ce_actor: 'system:media' } };
    expect(maskedRecord(plain)).toBe(plain);
  });

  test('data that is not JSON shows nothing where something in it may be personal', () => {
    const record = recordOf(streamStarted, streamStarted.samples.at(-1), 'system:x');
    expect(maskedRecord({ ...record, value: '{"remoteAddress":"192.0.2.1"' }).value).toBe('"***"');
  });

  test('paths go through lists; what is empty or not there stays', () => {
    const paths = [['seen', '*', 'address'], ['name'], ['gone', 'x']];
    expect(maskedData({ seen: [{ address: 'a' }, { at: 1 }, { address: null }], name: '' }, paths)).toEqual({
      seen: [{ address: '***' }, { at: 1 }, { address: null }],
      name: '',
    });
  });

  test.each([
    ['publisher:192.0.2.1', 'publisher:***'],
    ['jwt:alice', 'jwt:***'],
    ['key:k-1', 'key:k-1'],
    ['system:media', 'system:media'],
    ['', ''],
  ])('the actor %s is shown as %s', (actor, shown) => expect(maskedActor(actor)).toBe(shown));
});

test('a cursor comes back as it was, and anything else is refused', () => {
  const place = { recordedAt: 1_790_000_000_000, topic: 'cache', partition: 11, offset: 2n ** 60n } as const;
  expect(parseCursor(formatCursor(place))).toEqual(place);
  for (const text of ['x', Buffer.from('1/nothing/1/1').toString('base64url'), Buffer.from('1/cache/99/1').toString('base64url')])
    expect(() => parseCursor(text)).toThrow('not a cursor');
});

const limits = { depthMax: 10, nodesMax: 100 };
const everything = (): boolean => true;

function indexedEvent(id: string, causationId: string, more: Partial<IndexedEvent> = {}): IndexedEvent {
  const n = Number(id.replace(/\D/g, ''));
  const place = { topic: 'stream', partition: 0, offset: BigInt(n), recordedAt: n, time: n } as const;
  return { ...place, id, causationId, correlationId: 'r', type: 't.happened', subject: id, tenant: 'default', actor: 'system:x', ...more };
}

async function indexOf(...events: readonly IndexedEvent[]): Promise<MemoryEventIndex> {
  const index = new MemoryEventIndex(new ManualClock());
  await index.claim(1n, 'log');
  await index.append({ epoch: 1n, moves: [], events });
  return index;
}

/** The tree as text: names, indented. */
async function drawn(
  index: MemoryEventIndex,
  id: string,
  more: Partial<typeof limits> = {},
  isSeen: (event: IndexedEvent) => boolean = everything,
): Promise<string> {
  const [start] = await index.find([id]);
  const { nodes, causeId, truncated } = await causationTree(index, start as IndexedEvent, { ...limits, ...more }, isSeen);
  return `${causeId}: ${nodes.map(({ event: one, depth }) => `${'-'.repeat(depth)}${one.id}`).join(' ')}${truncated ? ' …' : ''}`;
}

describe('a causation tree', () => {
  const family = [
    indexedEvent('e1', 'req-1'),
    indexedEvent('e2', 'e1', { topic: 'cache' }),
    indexedEvent('e3', 'e2'),
    indexedEvent('e4', 'e2'),
    indexedEvent('e5', 'e1'),
    indexedEvent('e6', 'req-1'),
    indexedEvent('e9', 'req-2'),
  ];

  test('is the same from wherever one looks: causes up to the first, effects, and what else the request did', async () => {
    const index = await indexOf(...family);
    for (const id of ['e1', 'e3', 'e5']) expect(await drawn(index, id)).toBe('req-1: e1 -e2 --e3 --e4 -e5 e6');
  });

  test('has no more events than are allowed, those nearest to the one asked for, and says that there is more', async () => {
    const index = await indexOf(...family);
    expect(await drawn(index, 'e2', { nodesMax: 3 })).toBe('req-1: e1 -e2 --e3 --e4 …');
    expect(await drawn(index, 'e1', { depthMax: 1 })).toBe('req-1: e1 -e2 -e5 e6 …');
  });

  test('what the reader may not see is not there, nor what came of it', async () => {
    const index = await indexOf(...family, indexedEvent('e7', 'e4'));
    expect(await drawn(index, 'e1', {}, ({ id }) => id !== 'e2')).toBe('req-1: e1 -e5 e6');
    expect(await drawn(index, 'e3', {}, ({ id }) => id !== 'e2')).toBe('e2: e3');
  });

  test('ends where events name each other, or themselves, as their cause', async () => {
    const index = await indexOf(indexedEvent('e1', 'e2'), indexedEvent('e2', 'e1'), indexedEvent('e3', 'e3'));
    expect(await drawn(index, 'e1')).toContain('e1');
    expect(await drawn(index, 'e3')).toBe('undefined: e3');
  });
});
