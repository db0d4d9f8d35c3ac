import { describe, expect, test } from '@jest/globals';
import { contexts, type StoredRecord } from '#events';
import { create, equals, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { encodeEvent, EventBatch } from './event-batch.codec.ts';
import { CloudEventSchema, type CloudEvent, type CloudEvent_CloudEventAttributeValue } from './generated/io/cloudevents/v1/cloudevents_pb.ts';
import { SubscribeResponseSchema } from './generated/streams/v1/event_service_pb.ts';

type Value = Pick<CloudEvent_CloudEventAttributeValue, 'attr'>;

/** What the generated code makes of a record. */
function expected(topic: string, { headers, value, partition, offset, recordedAt }: StoredRecord): CloudEvent {
  const string = (text: string): Value => ({ attr: { case: 'ceString', value: text } });
  const time = (ms: number): Value => ({ attr: { case: 'ceTimestamp', value: timestampFromMs(ms) } });
  const attributes: Record<string, Value> = {};
  for (const [name, text] of Object.entries(headers)) {
    if (!name.startsWith('ce_') || text === '' || ['ce_id', 'ce_source', 'ce_specversion', 'ce_type'].includes(name)) continue;
    const ms = Date.parse(text);
    if (name === 'ce_time') attributes['time'] = ms >= 0 ? time(ms) : string(text);
    else attributes[name.slice(3)] = name === 'ce_dataschema' ? { attr: { case: 'ceUri', value: text } } : string(text);
  }
  attributes['datacontenttype'] = string(headers['content-type'] ?? 'application/json');
  attributes['topic'] = string(topic);
  attributes['partition'] = { attr: { case: 'ceInteger', value: partition } };
  attributes['offset'] = string(offset.toString());
  attributes['recordedtime'] = time(recordedAt);
  return create(CloudEventSchema, {
    id: headers['ce_id'] ?? '',
    source: headers['ce_source'] ?? '',
    specVersion: headers['ce_specversion'] ?? '',
    type: headers['ce_type'] ?? '',
    attributes,
    data: { case: 'textData', value },
  });
}

const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ minLength: 120, maxLength: 140 }));
const wellFormed = text.map((each) => each.toWellFormed());
const time = fc.oneof(
  fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constant('no time'),
  fc.constant('1960-01-01T00:00:00Z'),
);
const headers = fc
  .record({
    ce_specversion: fc.constant('1.0'),
    ce_id: wellFormed,
    ce_type: wellFormed,
    ce_source: wellFormed,
    ce_subject: wellFormed,
    ce_time: time,
    ce_dataschema: wellFormed,
    ce_tenant: wellFormed,
    ce_actor: wellFormed,
    'content-type': fc.constant('application/json'),
  })
  .chain((base) =>
    fc
      .dictionary(fc.oneof(fc.stringMatching(/^ce_[a-z0-9]{1,20}$/), fc.constantFrom('ce_constructor', 'ce_valueof', 'constructor')), wellFormed, {
        maxKeys: 3,
      })
      .map((more) => ({ ...more, ...base })),
  );
const record: fc.Arbitrary<StoredRecord> = fc.record({
  key: wellFormed,
  headers,
  value: fc.oneof(
    wellFormed,
    fc.string({ minLength: 130, maxLength: 400 }).map((each) => each.toWellFormed()),
  ),
  partition: fc.nat({ max: 300 }),
  offset: fc.bigInt({ min: 0n, max: 2n ** 60n }),
  recordedAt: fc.nat({ max: 4_000_000_000_000 }),
});

describe('a batch of events', () => {
  test('reads back with the generated code as what was written, whatever the records', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...contexts), record), { maxLength: 3 }), wellFormed, fc.boolean(), (records, token, live) => {
        const batch = new EventBatch(64);
        records.forEach(([topic, each], at) => (at % 2 === 0 ? batch.add(topic, each) : batch.addEncoded(encodeEvent(topic, each))));
        const read = fromBinary(SubscribeResponseSchema, batch.finish(token, live));
        const wanted = create(SubscribeResponseSchema, { events: records.map(([topic, each]) => expected(topic, each)), token, live });
        expect(equals(SubscribeResponseSchema, read, wanted)).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  test('is to the byte what the generated code writes, when the attributes come in the same order', () => {
    const headers = {
      ce_specversion: '1.0',
      ce_id: 'e-1',
      ce_source: '/s',
      ce_type: 'stream.stopped',
      ce_subject: 'st-1',
      ce_time: '2026-11-26T07:00:00.250Z',
    };
    const stored: StoredRecord = { key: 'st-1', headers, value: '{"a":"ü"}', partition: 11, offset: 300n, recordedAt: 1_790_000_000_000 };
    const batch = new EventBatch(64);
    batch.add('stream', stored);
    const own = batch.finish('t', true);
    expect(own.length).toBe(
      toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { events: [expected('stream', stored)], token: 't', live: true })).length,
    );
  });
});
