import { describe, expect, test } from '@jest/globals';
import { catalogue, topicPartitions } from '../../events/index.ts';
import { partitionOf } from '../../kernel/index.ts';
import { connect } from '../index.ts';
import { fromKafkaMessage, kafka, toKafkaMessage, type KafkaJsProducer, type KafkaMessage, type PlatformaticProducer } from './index.ts';

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

  test('is read as Nest hands it on, too', () => {
    const { message } = toKafkaMessage('content.published', data);
    expect(fromKafkaMessage({ ...message, value: data }).data).toEqual(data);
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

describe('straight to Kafka', () => {
  const events = ['a', 'b', 'a'].map((contentId) => ({ type: 'content.withdrawn', data: { contentId } }) as const);
  const at = (key: string): number => partitionOf(key, topicPartitions);

  test('by kafkajs, with the place of each', async () => {
    const sent: unknown[] = [];
    const producer: KafkaJsProducer = {
      sendBatch: async (batch) => {
        sent.push(
          batch.topicMessages.map(({ topic, messages }) => [topic, messages.length]),
          batch.acks,
        );
        return [...new Set(['a', 'b'])].map((key) => ({ topicName: 'x-content', partition: at(key), errorCode: 0, baseOffset: '7' }));
      },
    };
    const results = await connect({ transport: kafka({ producer, topicPrefix: 'x-' }) }).publishAll(events);
    expect(sent).toEqual([[['x-content', 3]], -1]);
    expect(results.map((result) => result.accepted && [result.topic, result.partition, result.offset])).toEqual([
      ['content', at('a'), 7n],
      ['content', at('b'), 7n],
      ['content', at('a'), 8n],
    ]);
  });

  test.each([
    ['a broker that is away', { name: 'KafkaJSConnectionError', message: 'ECONNREFUSED' }, 'UNAVAILABLE', true],
    ['a topic that is not ours', { message: 'no', cause: { code: 29 } }, 'FORBIDDEN', false],
    ['a message that is too large', { message: 'no', errors: [{ apiCode: 10 }] }, 'TOO_LARGE', false],
  ])('%s is told', async (_what, failure, code, retryable) => {
    const producer: PlatformaticProducer = { send: () => Promise.reject(Object.assign(new Error(), failure)) };
    const results = await connect({ transport: kafka({ producer }), retryForMs: 0 }).publishAll(events.slice(0, 1));
    expect(results).toMatchObject([{ accepted: false, code, retryable }]);
  });

  test('is no way to follow the log', async () => {
    const producer: PlatformaticProducer = { send: () => Promise.resolve({}) };
    await expect(
      connect({ transport: kafka({ producer }) })
        .subscribe()
        .next(),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});
