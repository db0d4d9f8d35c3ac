import { describe, expect, test } from '@jest/globals';
import { partitionOf } from '#kernel';
import { contentPublished } from './content.events.ts';
import { decodeEvent, isReadable } from './decode-event.ts';
import { asDirect, asWritten, directHeader, type DirectTenants } from './direct-record.ts';
import { encodeEvent } from './codec.ts';
import { topicPartitions } from './envelope.ts';
import type { StoredRecord } from './record.ts';
import { streamStopped } from './stream.events.ts';

const recordedAt = 1_790_000_000_000;
const data = contentPublished.samples.at(-1) as { contentId: string };
const key = data.contentId;

function record(changed: Partial<StoredRecord> = {}, headers: Record<string, string | undefined> = {}): StoredRecord {
  const made = encodeEvent({
    id: 'e-1',
    type: contentPublished.type,
    version: contentPublished.version,
    source: '/cms',
    subject: contentPublished.subject(data as never),
    time: recordedAt - 1_000,
    key,
    tenant: 'default',
    correlationId: 'c',
    causationId: 'c',
    traceparent: '',
    actor: 'kafka:/cms',
    streamVersion: 0n,
    producerEpoch: 0n,
    data,
  });
  const all = Object.entries({ ...made.headers, [directHeader]: 'tenant-open', ...headers }).filter(([, value]) => value !== undefined);
  const place = { partition: partitionOf(key, topicPartitions), offset: 7n, recordedAt };
  return { ...made, ...place, headers: Object.fromEntries(all) as Record<string, string>, ...changed };
}

describe('a record that came straight onto a broker', () => {
  test('is an event like any other when nothing is wrong with it', () => {
    expect(decodeEvent(record())).toMatchObject({ type: contentPublished.type, key, tenant: 'default', actor: 'kafka:/cms', data: { contentId: key } });
    expect(isReadable('content', record())).toBe(true);
  });

  const stopped = JSON.stringify(streamStopped.samples.at(-1));
  const stop = { ce_type: streamStopped.type, ce_dataschema: `urn:streams:event:${streamStopped.type}:${streamStopped.version}` };

  test.each<[string, StoredRecord, string, string]>([
    ['says what the platform alone says', record({ value: stopped }, stop), 'EVENT_NOT_OPEN', 'type'],
    ['is of no type', record({}, { ce_type: 'content.eaten' }), 'EVENT_TYPE_UNKNOWN', 'type'],
    ['has a field too many', record({ value: JSON.stringify({ ...data, extra: 1 }) }), 'EVENT_DATA_INVALID', 'data.extra'],
    ['has another key than its data', record({ key: 'other' }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
    ['names another key than its data', record({}, { ce_partitionkey: 'other' }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
    ['names another subject than its data', record({}, { ce_subject: 'other' }), 'EVENT_ATTRIBUTE_INVALID', 'subject'],
    ['lies on another partition than its key', record({ partition: (partitionOf(key, topicPartitions) + 1) % 12 }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
    ['is for a tenant that nobody may name', record({}, { [directHeader]: 'tenant-closed', ce_tenant: 'acme' }), 'EVENT_TENANT_FORBIDDEN', 'tenant'],
    ['is signed as somebody whom the platform knows', record({}, { ce_actor: 'key:k-admin' }), 'EVENT_ATTRIBUTE_RESERVED', 'actor'],
    ['claims a place in a sequence', record({}, { ce_streamversion: '4' }), 'EVENT_ATTRIBUTE_RESERVED', 'streamversion'],
    ['claims a fencing epoch', record({}, { ce_producerepoch: '9' }), 'EVENT_ATTRIBUTE_RESERVED', 'producerepoch'],
    ['comes from the future', record({}, { ce_time: new Date(recordedAt + 3_600_000).toISOString() }), 'EVENT_TIME_INVALID', 'time'],
    ['has an id that is none', record({}, { ce_id: 'a b' }), 'EVENT_ATTRIBUTE_INVALID', 'id'],
    [
      'is in structured mode',
      record({ headers: { 'content-type': 'application/cloudevents+json', [directHeader]: 'tenant-open' } }),
      'EVENT_ATTRIBUTE_INVALID',
      'datacontenttype',
    ],
    ['names none of several tenants', record({}, { [directHeader]: 'tenant-closed', ce_tenant: undefined }), 'EVENT_ATTRIBUTE_INVALID', 'tenant'],
    ['has no headers', record({ headers: { [directHeader]: 'tenant-open' } }), 'EVENT_ATTRIBUTE_INVALID', 'specversion'],
  ])('and %s is refused, by the attribute', (_, wrong, code, field) => {
    expect(() => decodeEvent(wrong)).toThrow(expect.objectContaining({ code, field }));
    expect(isReadable('content', wrong)).toBe(false);
  });

  const natural = { ce_specversion: '1.0', ce_id: 'e-1', ce_source: '/cms', ce_type: contentPublished.type };
  const read = (headers: Record<string, string>, tenants: DirectTenants, changed: Partial<StoredRecord> = {}): StoredRecord =>
    asDirect(record({ headers, ...changed }), tenants);

  test('needs only what every producer of CloudEvents says: the log adds the rest, always the same', () => {
    const one = read(natural, new Set(['acme']));
    expect(decodeEvent(one)).toMatchObject({
      id: 'e-1',
      time: recordedAt,
      key,
      tenant: 'acme',
      actor: 'direct',
      correlationId: 'e-1',
      streamVersion: 0n,
      producerEpoch: 0n,
    });
    expect(one.headers).toMatchObject({
      ce_subject: key,
      ce_partitionkey: key,
      ce_tenant: 'acme',
      ce_dataschema: `urn:streams:event:${contentPublished.type}:${contentPublished.version}`,
    });
    expect(read(natural, new Set(['acme']))).toEqual(one);
    expect(asDirect(asWritten(one), new Set(['acme']))).toEqual(one);
    // Copied to a log that adds nothing, it is the same event.
    expect(decodeEvent({ key: one.key, value: one.value, headers: one.headers })).toEqual(decodeEvent(one));
  });

  test.each<[string, Record<string, string>]>([
    ['with four headers', natural],
    ['with empty ones', { ce_tenant: '', ...natural, ce_subject: '', ce_traceparent: '', 'content-type': 'application/json; charset=utf-8' }],
    ['with another way to write its time', { ...natural, ce_time: '2026-09-21T12:00:00Z', ce_own: 'x' }],
    ['of another tenant', { ...natural, ce_tenant: 'other' }],
    ['that is none', { ce_type: 'nobody.knows' }],
    ['without headers', {}],
  ])('%s is as it was written, whatever the log is told of tenants', (_, headers) => {
    for (const tenants of [new Set(['default']), new Set(['other']), new Set(['a', 'b']), '*'] as const)
      expect(asWritten(read(headers, tenants)).headers).toEqual({ ...headers, [directHeader]: '' });
    expect(Object.keys(asWritten(read(headers, '*')).headers)).toEqual([...Object.keys(headers), directHeader]);
  });

  test('a mark says nothing of headers that the log does not set', () => {
    const odd = record({ headers: { ...natural, ce_own: 'x', [directHeader]: 'tenant-open ce_id ce_own ce_source=' } });
    expect(asWritten(odd).headers).toEqual({ ...natural, ce_own: 'x', [directHeader]: '' });
    const own = record({}, { [directHeader]: undefined });
    expect(asWritten(own)).toBe(own);
  });

  test('says its tenant where there are several, or waits for the one that it names', () => {
    expect(() => decodeEvent(read(natural, new Set(['acme', 'default'])))).toThrow(/ce_tenant must say which/);
    expect(() => decodeEvent(read(natural, '*'))).toThrow(/ce_tenant must say which/);
    expect(decodeEvent(read({ ...natural, ce_tenant: 'acme' }, '*'))).toMatchObject({ tenant: 'acme' });
    expect(() => decodeEvent(read({ ...natural, ce_tenant: 'other' }, new Set(['acme'])))).toThrow(/for the tenant other straight to Kafka/);
  });

  test('is told its key and the key that it should have', () => {
    expect(() => decodeEvent(read(natural, new Set(['default']), { key: '' }))).toThrow(`the key of the record is "": send it with the key "${key}"`);
  });

  const tomorrow = `urn:streams:event:${contentPublished.type}:${contentPublished.version + 1}`;
  test.each<[string, boolean, Partial<StoredRecord>, Record<string, string | undefined>]>([
    ['a type that this program does not know', true, { value: '[1]' }, { ce_type: 'content.invented' }],
    ['a version that this program does not know', true, { value: '{"contentId":7}' }, { ce_dataschema: tomorrow }],
    ['a version that is none', false, {}, { ce_dataschema: `${tomorrow}x` }],
    ['an unknown type without an id', false, {}, { ce_type: 'content.invented', ce_id: undefined }],
    ['an unknown type without a source', false, {}, { ce_type: 'content.invented', ce_source: undefined }],
    ['an unknown type with data that is not JSON', false, { value: '{' }, { ce_type: 'content.invented' }],
    ['data that does not fit', false, { value: '{"contentId":7}' }, {}],
    ['a type of another topic', false, { value: stopped, key: 'st-1' }, stop],
  ])("of what says to be the platform's, %s is shown: %s", (_, shown, changed, headers) => {
    const own = { ce_actor: 'key:root', [directHeader]: undefined };
    expect(isReadable('content', record(changed, { ...own, ...headers }))).toBe(shown);
    // Somebody else's has to be known.
    if (shown) expect(isReadable('content', record(changed, { ...headers, [directHeader]: 'tenant-open' }))).toBe(false);
  });

  test('what the platform wrote is not judged by the rules for others', () => {
    const own = record({ value: stopped, key: 'st-1' }, { ...stop, ce_actor: 'key:k-admin', ce_streamversion: '4', [directHeader]: undefined });
    expect(decodeEvent(own)).toMatchObject({ type: streamStopped.type, actor: 'key:k-admin', streamVersion: 4n });
    expect(isReadable('stream', own)).toBe(true);
  });

  test("what only claims to be the platform's, and cannot be read, is no event to anybody", () => {
    const forged = record({ value: '{"contentId":7}' }, { ce_actor: 'key:root', [directHeader]: undefined });
    expect(() => decodeEvent(forged)).toThrow(expect.objectContaining({ code: 'EVENT_DATA_INVALID' }));
    expect(isReadable('content', forged)).toBe(false);
  });
});
