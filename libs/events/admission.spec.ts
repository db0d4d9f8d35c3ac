import { describe, expect, test } from '@jest/globals';
import { admitEvent, futureMsMax, type AdmissionContext } from './admission.ts';
import { catalogue } from './catalogue.ts';
import { dataschemaOf } from './codec.ts';
import { decodeEvent } from './decode-event.ts';
import { contentPublished } from './content.events.ts';
import type { EventDefinition } from './define.ts';
import type { Context } from './envelope.ts';
import type { IncomingEvent } from './incoming.ts';

const nowMs = Date.UTC(2026, 10, 26, 9, 30);
const context: AdmissionContext = {
  nowMs,
  tenant: 'acme',
  actor: 'key:k-1',
  correlationId: 'request-1',
  traceparent: '',
  mayPublish: (context: Context) => context === 'content',
};
const sample = contentPublished.samples[0] as Record<string, unknown>;
const attributes = { specversion: '1.0', id: 'e-1', type: contentPublished.type, source: '/cms' };

function incoming(changed: Record<string, unknown> = {}, data: IncomingEvent['data'] = { value: sample }): IncomingEvent {
  return { attributes: { ...attributes, ...changed }, data };
}

describe('an event from outside', () => {
  test('becomes a record that the log reads back, with what the platform alone may say', () => {
    const own = { time: '2026-11-26T10:30:00.5+01:00', correlationid: 'order-7', region: 'eu', retries: 2, urgent: true };
    const { record, id, context: topic } = admitEvent(incoming({ ...own, subject: 'trailer-42', partitionkey: 'trailer-42', tenant: 'acme' }), context);
    expect([id, topic, record.key]).toEqual(['e-1', 'content', 'trailer-42']);
    expect(record.headers).toMatchObject({ ce_region: 'eu', ce_retries: '2', ce_urgent: 'true' });
    expect(decodeEvent(record)).toMatchObject({
      id: 'e-1',
      type: contentPublished.type,
      source: '/cms',
      subject: 'trailer-42',
      tenant: 'acme',
      actor: 'key:k-1',
      time: nowMs + 500,
      correlationId: 'order-7',
      causationId: 'order-7',
      streamVersion: 0n,
      producerEpoch: 0n,
      data: sample,
    });
  });

  test('keeps given text to the byte, and says when it happened if the publisher does not', () => {
    const json = ` ${JSON.stringify(sample)}\t`;
    const { record } = admitEvent(incoming({}, { json }), context);
    expect(record.value).toBe(json);
    expect(decodeEvent(record)).toMatchObject({ time: nowMs, correlationId: 'request-1', data: sample });
  });

  test('may name its version by dataschema, by dataversion, or both', () => {
    const dataschema = dataschemaOf(contentPublished.type, 1);
    for (const named of [{}, { dataschema }, { dataversion: 1 }, { dataversion: '1' }, { dataschema, dataversion: 1 }]) {
      expect(admitEvent(incoming(named), context).record.headers['ce_dataschema']).toBe(dataschema);
    }
  });

  test('a repetition has the same content, whenever it comes; a change has another', () => {
    const { content } = admitEvent(incoming(), context);
    expect(admitEvent(incoming({ correlationid: 'other' }), { ...context, nowMs: nowMs + 60_000 }).content).toBe(content);
    for (const other of [incoming({ source: '/cms/2' }), incoming({ time: '2026-11-26T09:00:00Z' }), incoming({}, { value: { ...sample, title: 'Other' } })]) {
      expect(admitEvent(other, context).content).not.toBe(content);
    }
  });

  test('every open type of the catalogue is admitted by its sample, every other one refused', () => {
    const every = { ...context, mayPublish: () => true };
    for (const definition of catalogue as readonly EventDefinition[]) {
      const event = incoming({ type: definition.type }, { value: definition.samples.at(-1) });
      if (definition.publishers === 'anyone') expect(admitEvent(event, every).context).toBe(definition.context);
      else expect(() => admitEvent(event, every)).toThrow(expect.objectContaining({ code: 'EVENT_NOT_OPEN', field: 'type' }));
    }
  });
});

const without = (name: string) => incoming({ [name]: undefined });
const withData = (changed: Record<string, unknown>) => incoming({}, { value: { ...sample, ...changed } });
const ahead = new Date(nowMs + futureMsMax + 1000).toISOString();

test.each<[string, IncomingEvent, string, string]>([
  ['no version of CloudEvents', without('specversion'), 'EVENT_ATTRIBUTE_INVALID', 'specversion'],
  ['another version of CloudEvents', incoming({ specversion: '0.3' }), 'EVENT_ATTRIBUTE_INVALID', 'specversion'],
  ['no id', without('id'), 'EVENT_ATTRIBUTE_INVALID', 'id'],
  ['an empty id', incoming({ id: '' }), 'EVENT_ATTRIBUTE_INVALID', 'id'],
  ['a number for an id', incoming({ id: 7 }), 'EVENT_ATTRIBUTE_INVALID', 'id'],
  ['an id with a space', incoming({ id: 'a b' }), 'EVENT_ATTRIBUTE_INVALID', 'id'],
  ['an id of 129 characters', incoming({ id: 'x'.repeat(129) }), 'EVENT_ATTRIBUTE_INVALID', 'id'],
  ['no type', without('type'), 'EVENT_ATTRIBUTE_INVALID', 'type'],
  ['an unknown type', incoming({ type: 'content.eaten' }), 'EVENT_TYPE_UNKNOWN', 'type'],
  ['a type named like a property of objects', incoming({ type: 'constructor' }), 'EVENT_TYPE_UNKNOWN', 'type'],
  ['a decision of the platform', incoming({ type: 'stream.stopped' }), 'EVENT_NOT_OPEN', 'type'],
  ['a context that the key has no right to', incoming({ type: 'playback.ended' }), 'EVENT_CONTEXT_FORBIDDEN', 'type'],
  ['no source', without('source'), 'EVENT_ATTRIBUTE_INVALID', 'source'],
  ['a source that is no URI reference', incoming({ source: 'my service' }), 'EVENT_ATTRIBUTE_INVALID', 'source'],
  ['a version that is not released', incoming({ dataschema: dataschemaOf(contentPublished.type, 9) }), 'EVENT_VERSION_UNKNOWN', 'dataschema'],
  ['the schema of another type', incoming({ dataschema: dataschemaOf('content.changed', 1) }), 'EVENT_VERSION_UNKNOWN', 'dataschema'],
  ['a dataversion that is not released', incoming({ dataversion: 2 }), 'EVENT_VERSION_UNKNOWN', 'dataversion'],
  ['a dataversion that is no number', incoming({ dataversion: 'new' }), 'EVENT_VERSION_UNKNOWN', 'dataversion'],
  ['data of another media type', incoming({ datacontenttype: 'application/xml' }), 'EVENT_ATTRIBUTE_INVALID', 'datacontenttype'],
  ['a time that is none', incoming({ time: 'noon' }), 'EVENT_ATTRIBUTE_INVALID', 'time'],
  ['a time without a zone', incoming({ time: '2026-11-26T09:30:00' }), 'EVENT_ATTRIBUTE_INVALID', 'time'],
  ['a day that does not exist', incoming({ time: '2026-13-01T09:30:00Z' }), 'EVENT_ATTRIBUTE_INVALID', 'time'],
  ['a time ahead of us', incoming({ time: ahead }), 'EVENT_TIME_INVALID', 'time'],
  ['a time of a clock that was never set', incoming({ time: '1970-01-01T00:00:00Z' }), 'EVENT_TIME_INVALID', 'time'],
  ['another tenant', incoming({ tenant: 'other' }), 'EVENT_TENANT_FORBIDDEN', 'tenant'],
  ['an actor', incoming({ actor: 'key:k-2' }), 'EVENT_ATTRIBUTE_RESERVED', 'actor'],
  ['a sequence', incoming({ streamversion: '1' }), 'EVENT_ATTRIBUTE_RESERVED', 'streamversion'],
  ['a fencing epoch', incoming({ producerepoch: '9' }), 'EVENT_ATTRIBUTE_RESERVED', 'producerepoch'],
  ['a subject that does not fit the data', incoming({ subject: 'trailer-43' }), 'EVENT_ATTRIBUTE_INVALID', 'subject'],
  ['a key that does not fit the data', incoming({ partitionkey: 'trailer-43' }), 'EVENT_ATTRIBUTE_INVALID', 'partitionkey'],
  ['a broken trace', incoming({ traceparent: '00-1-2-3' }), 'EVENT_ATTRIBUTE_INVALID', 'traceparent'],
  ['an extension in capitals', incoming({ Region: 'eu' }), 'EVENT_ATTRIBUTE_INVALID', 'Region'],
  ['an extension that is an object', incoming({ region: {} }), 'EVENT_ATTRIBUTE_INVALID', 'region'],
  ['an extension with a line break', incoming({ region: 'a\nb' }), 'EVENT_ATTRIBUTE_INVALID', 'region'],
  ['half an extension', incoming({ retries: 0.5 }), 'EVENT_ATTRIBUTE_INVALID', 'retries'],
  ['too many extensions', incoming(Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`x${at}`, 'y']))), 'EVENT_ATTRIBUTE_INVALID', 'x16'],
  ['no data', incoming({}, { value: undefined }), 'EVENT_DATA_INVALID', 'data'],
  ['data that is not JSON', incoming({}, { json: '{' }), 'EVENT_DATA_INVALID', 'data'],
  ['a list for data', incoming({}, { value: [] }), 'EVENT_DATA_INVALID', 'data'],
  ['data without what it needs', withData({ url: undefined }), 'EVENT_DATA_INVALID', 'data.url'],
  ['a field of another type', withData({ sizeBytes: '7' }), 'EVENT_DATA_INVALID', 'data.sizeBytes'],
  ['a size beyond all numbers', incoming({}, { json: JSON.stringify(sample).replace('18500000', '1e999') }), 'EVENT_DATA_INVALID', 'data.sizeBytes'],
  ['a misspelt field', withData({ sizebytes: 7 }), 'EVENT_DATA_INVALID', 'data.sizebytes'],
  ['U+0000 in a text', withData({ title: 'a\0' }), 'EVENT_DATA_INVALID', 'data.title'],
  ['a tag deep inside', withData({ tags: ['a', ''] }), 'EVENT_DATA_INVALID', 'data.tags.1'],
])('%s is refused, and named', (_what, event, code, field) => {
  expect(() => admitEvent(event, context)).toThrow(expect.objectContaining({ code, field, retryable: false }));
});

test('whatever else is wrong with the data is told with the first', () => {
  const event = withData({ url: undefined, sizeBytes: '7', tags: ['a', ''], nonsense: 1 });
  expect(() => admitEvent(event, context)).toThrow(/^data\.\w+: [^(]+ \(wrong as well: data\.\w+, data\.tags\.1, data\.nonsense\)$/);
});
