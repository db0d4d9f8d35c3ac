import { describe, expect, test } from '@jest/globals';
import { partitionOf } from '#kernel';
import { contentPublished } from './content.events.ts';
import { decodeEvent, isRefusedDirect } from './decode-event.ts';
import { directHeader } from './direct-record.ts';
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
    expect(isRefusedDirect(record())).toBe(false);
  });

  const stopped = JSON.stringify(streamStopped.samples.at(-1));
  const stop = { ce_type: streamStopped.type, ce_dataschema: `urn:streams:event:${streamStopped.type}:${streamStopped.version}` };

  test.each<[string, StoredRecord, string, string]>([
    ['says what the platform alone says', record({ value: stopped }, stop), 'EVENT_NOT_OPEN', 'type'],
    ['is of no type', record({}, { ce_type: 'content.eaten' }), 'EVENT_TYPE_UNKNOWN', 'type'],
    ['has a field too many', record({ value: JSON.stringify({ ...data, extra: 1 }) }), 'EVENT_DATA_INVALID', 'data.extra'],
    ['has another key than its data', record({ key: 'other' }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
    ['names another key than its data', record({}, { ce_partitionkey: 'other' }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
    ['names no key', record({}, { ce_partitionkey: undefined }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
    ['names another subject than its data', record({}, { ce_subject: 'other' }), 'EVENT_ATTRIBUTE_INVALID', 'subject'],
    ['lies on another partition than its key', record({ partition: (partitionOf(key, topicPartitions) + 1) % 12 }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
    ['is for a tenant that nobody may name', record({}, { [directHeader]: 'tenant-closed', ce_tenant: 'acme' }), 'EVENT_TENANT_FORBIDDEN', 'tenant'],
    ['is signed as somebody whom the platform knows', record({}, { ce_actor: 'key:k-admin' }), 'EVENT_ATTRIBUTE_RESERVED', 'actor'],
    ['claims a place in a sequence', record({}, { ce_streamversion: '4' }), 'EVENT_ATTRIBUTE_RESERVED', 'streamversion'],
    ['claims a fencing epoch', record({}, { ce_producerepoch: '9' }), 'EVENT_ATTRIBUTE_RESERVED', 'producerepoch'],
    ['comes from the future', record({}, { ce_time: new Date(recordedAt + 3_600_000).toISOString() }), 'EVENT_TIME_INVALID', 'time'],
    ['has an id that is none', record({}, { ce_id: 'a b' }), 'EVENT_ATTRIBUTE_INVALID', 'id'],
    ['has no headers', record({ headers: { [directHeader]: 'tenant-open' } }), 'EVENT_ATTRIBUTE_INVALID', 'specversion'],
  ])('and %s is refused, by the attribute', (_, wrong, code, field) => {
    expect(() => decodeEvent(wrong)).toThrow(expect.objectContaining({ code, field }));
    expect(isRefusedDirect(wrong)).toBe(true);
  });

  test('what the platform wrote is not judged by the rules for others', () => {
    const own = record({ value: stopped, key: 'st-1' }, { ...stop, ce_actor: 'key:k-admin', ce_streamversion: '4', [directHeader]: undefined });
    expect(decodeEvent(own)).toMatchObject({ type: streamStopped.type, actor: 'key:k-admin', streamVersion: 4n });
    expect(isRefusedDirect(own)).toBe(false);
  });
});
