import { describe, expect, test } from '@jest/globals';
import { catalogue, topicPartitions } from '../../events/index.ts';
import { partitionOf } from '../../kernel/index.ts';
import { outgoingEvent } from '../event/index.ts';
import { fromKafkaMessage, toKafkaMessage, type KafkaMessage } from './index.ts';
import { KafkaBytes } from './kafka-bytes.codec.ts';
import { kafkaMessageOf } from './kafka-message.codec.ts';

const data = { contentId: 'trailer-42', url: 'https://origin.example/42.mp4', contentType: 'video/mp4', title: 'Über' };

describe('a Kafka message', () => {
  test('holds the event in the binary mode of CloudEvents, on the partition of its key', () => {
    const { topic, message } = toKafkaMessage('content.published', data, { id: 'a', time: 0, source: '/cms' });
    expect(topic).toBe('content');
    expect(message).toMatchObject({ key: 'trailer-42', partition: partitionOf('trailer-42', topicPartitions), value: JSON.stringify(data) });
    expect(message.headers).toMatchObject({ ce_id: 'a', ce_type: 'content.published', ce_time: '1970-01-01T00:00:00.000Z', ce_tenant: 'default' });
    expect(message.headers).toMatchObject({
      ce_actor: 'kafka:/cms',
      ce_dataschema: 'urn:streams:event:content.published:1',
      'content-type': 'application/json',
    });
  });

  test.each(catalogue.filter(({ publishers }) => publishers === 'anyone').map((each) => [each.type, each.samples.at(-1)]))(
    '%s comes back as it went, as texts or as bytes',
    (type, sample) => {
      const { message } = toKafkaMessage(type as 'content.published', sample as typeof data, { traceparent: '', correlationId: 'c' });
      const bytes = Object.fromEntries(Object.entries(message.headers).map(([name, text]) => [name, Buffer.from(text)]));
      const event = fromKafkaMessage(message);
      expect(event).toMatchObject({ type, data: sample, key: message.key, correlationId: 'c', causationId: 'c' });
      expect(
        fromKafkaMessage({ key: Buffer.from(message.key), value: Buffer.from(message.value), headers: { ...bytes, ce_id: [bytes['ce_id'] as Buffer] } }),
      ).toEqual(event);
    },
  );

  test('is the same as bytes', () => {
    const said = { tenant: 'acme', actor: 'team' };
    const sources = [{}, { source: '/other', correlationId: 'c', causationId: 'd', traceparent: 'e', time: 5 }];
    for (const options of [undefined, said]) {
      const bytes = new KafkaBytes(options ?? {});
      const open = catalogue.filter(({ publishers }) => publishers === 'anyone');
      for (const event of open.flatMap(({ type, samples }) => sources.map((more) => outgoingEvent(type, samples.at(-1), more, '/a')))) {
        const { headers, ...rest } = kafkaMessageOf(event, options);
        const { headers: own, key, value, topic, partition } = bytes.message(event, 'x', rest.partition);
        expect({ key: String(key), value: String(value), partition }).toEqual(rest);
        expect(Object.fromEntries([...own].map(([name, text]) => [String(name), String(text)]))).toEqual(headers);
        expect(topic).toBe('x');
      }
    }
  });

  test('is read as Nest hands it on, too', () => {
    const { message } = toKafkaMessage('content.published', data);
    expect(fromKafkaMessage({ ...message, value: data }).data).toEqual(data);
  });

  test('that somebody wrote by hand, with the four attributes that CloudEvents asks for, is an event, too', () => {
    const headers = { ce_specversion: '1.0', ce_id: 'cms-1', ce_source: '/cms', ce_type: 'content.withdrawn' };
    const message = { key: 'a', value: '{"contentId":"a"}', headers, timestamp: '1790000000000' };
    expect(fromKafkaMessage(message)).toMatchObject({
      id: 'cms-1',
      time: 1_790_000_000_000,
      tenant: 'default',
      subject: 'a',
      actor: 'direct',
      correlationId: 'cms-1',
    });
    expect(fromKafkaMessage({ ...message, headers: { ...headers, ce_tenant: 'acme' } })).toMatchObject({ tenant: 'acme' });
    const fault = (wrong: Partial<typeof message>): void => void fromKafkaMessage({ ...message, ...wrong });
    expect(() => fault({ key: 'b' })).toThrow(expect.objectContaining({ field: 'partitionkey' }));
    expect(() => fault({ timestamp: undefined as unknown as string })).toThrow(expect.objectContaining({ field: 'time' }));
  });

  test('is refused before it leaves when the catalogue would', () => {
    expect(() => toKafkaMessage('content.published', { ...data, url: 'nowhere' })).toThrow(
      expect.objectContaining({ code: 'EVENT_DATA_INVALID', field: 'data.url' }),
    );
  });

  test.each<[string, (message: KafkaMessage) => object, string, string]>([
    ['nothing', () => ({}), 'EVENT_DATA_INVALID', 'data'],
    ['a tombstone', (message) => ({ ...message, value: null }), 'EVENT_DATA_INVALID', 'data'],
    ['no headers', ({ value }) => ({ value }), 'EVENT_ATTRIBUTE_INVALID', 'type'],
    ['a foreign type', (message) => ({ ...message, headers: { ...message.headers, ce_type: 'x' } }), 'EVENT_TYPE_UNKNOWN', 'type'],
    ['no JSON', (message) => ({ ...message, value: '{' }), 'EVENT_DATA_INVALID', 'data'],
    ['a field too many', (message) => ({ ...message, value: '{"contentId":"a","x":1}' }), 'EVENT_DATA_INVALID', 'data.x'],
  ])('that holds %s is no event', (_what, change, code, field) => {
    const { message } = toKafkaMessage('content.withdrawn', { contentId: 'a' });
    expect(() => fromKafkaMessage(change(message))).toThrow(expect.objectContaining({ code, field }));
  });
});
