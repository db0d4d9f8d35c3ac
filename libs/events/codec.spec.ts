import { describe, expect, test } from '@jest/globals';
import { catalogue } from './catalogue.ts';
import { dataschemaOf, encodeEvent } from './codec.ts';
import { decodeEvent } from './decode-event.ts';
import type { EventDefinition } from './define.ts';
import type { EventEnvelope } from './envelope.ts';
import { segmentProduced } from './segment.events.ts';
import { streamCreated } from './stream.events.ts';

function eventOf(definition: EventDefinition, data: unknown): EventEnvelope {
  return {
    id: '01926f4e-7d3a-7000-8000-0000000000ff',
    type: definition.type,
    version: definition.version,
    source: '/test/1',
    subject: definition.subject(data),
    time: 1790000000123,
    key: definition.key(data),
    tenant: 'default',
    correlationId: 'c-1',
    causationId: 'c-1',
    traceparent: '',
    actor: 'system:test',
    streamVersion: 7n,
    producerEpoch: 3n,
    data,
  };
}

describe('event codec', () => {
  test.each(catalogue.map((definition) => [definition.type, definition as EventDefinition] as const))('%s survives the round trip', (_type, definition) => {
    const event = eventOf(definition, definition.samples.at(-1));
    expect(decodeEvent(encodeEvent(event))).toEqual(event);
  });

  test.each(catalogue.map((definition) => [definition.type, definition as EventDefinition] as const))(
    'every released version of %s is still read',
    (_type, definition) => {
      expect(definition.samples).toHaveLength(definition.version);
      definition.samples.forEach((sample, at) => {
        const record = encodeEvent({ ...eventOf(definition, definition.samples.at(-1)), version: at + 1, data: sample });
        expect(() => decodeEvent(record)).not.toThrow();
      });
    },
  );

  test.each([0n, 9n, 999_999_999_999_999n, 1_000_000_000_000_000n, 9_007_199_254_740_993n, 9_223_372_036_854_775_807n])(
    'the version %s is read to the last digit',
    (version) => {
      const event = { ...eventOf(segmentProduced as EventDefinition, segmentProduced.samples.at(-1)), streamVersion: version, producerEpoch: version };
      expect(decodeEvent(encodeEvent(event))).toEqual(event);
    },
  );

  test('events of different times, one after the other, keep each its own', () => {
    const events = [1_790_000_000_123, 1_790_000_000_124, 1_790_000_000_123].map((time) => ({
      ...eventOf(segmentProduced as EventDefinition, segmentProduced.samples.at(-1)),
      time,
    }));
    expect(events.map(encodeEvent).map((record) => decodeEvent(record).time)).toEqual(events.map(({ time }) => time));
  });

  const good = encodeEvent(eventOf(segmentProduced as EventDefinition, segmentProduced.samples[0]));
  const created = encodeEvent(eventOf(streamCreated as EventDefinition, streamCreated.samples[0]));
  test.each([
    ['an unknown type', { ...good.headers, ce_type: 'segment.eaten' }, good.value, 'EVENT_TYPE_UNKNOWN', 'type'],
    [
      'a version from the future',
      { ...good.headers, ce_dataschema: dataschemaOf(segmentProduced.type, 99) },
      good.value,
      'EVENT_VERSION_UNKNOWN',
      'dataschema',
    ],
    ['data that is not JSON', good.headers, '{', 'EVENT_DATA_INVALID', 'data'],
    ['a field of the wrong type', good.headers, good.value.replace('"mediaSequence":0', '"mediaSequence":"0"'), 'EVENT_DATA_INVALID', 'data.mediaSequence'],
    ['a name with U+0000', { ...created.headers }, created.value.replace('Evening', 'Eve\\u0000ning'), 'EVENT_DATA_INVALID', 'data.name'],
    ['a broken time', { ...good.headers, ce_time: 'noon' }, good.value, 'EVENT_ATTRIBUTE_INVALID', 'time'],
    ['a negative version', { ...good.headers, ce_streamversion: '-1' }, good.value, 'EVENT_ATTRIBUTE_INVALID', 'streamversion'],
    ['a version in words', { ...good.headers, ce_streamversion: '12a' }, good.value, 'EVENT_ATTRIBUTE_INVALID', 'streamversion'],
    ['an empty epoch', { ...good.headers, ce_producerepoch: '' }, good.value, 'EVENT_ATTRIBUTE_INVALID', 'producerepoch'],
    ['an epoch of twenty digits', { ...good.headers, ce_producerepoch: '1'.repeat(20) }, good.value, 'EVENT_ATTRIBUTE_INVALID', 'producerepoch'],
  ])('refuses %s and names the field', (_what, headers, value, code, field) => {
    expect(() => decodeEvent({ key: good.key, headers, value })).toThrow(expect.objectContaining({ code, field }));
  });
});
