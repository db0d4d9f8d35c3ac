import { describe, expect, test } from '@jest/globals';
import { topicPartitions } from '../../events/index.ts';
import { partitionOf } from '../../kernel/index.ts';
import { newEventId } from '../event/event-id.ts';
import { connect } from '../index.ts';
import { kafka, type KafkaJsProducer, type PlatformaticProducer } from './index.ts';

const events = ['a', 'b', 'a'].map((contentId) => ({ type: 'content.withdrawn', data: { contentId } }) as const);
const at = (key: string): number => partitionOf(key, topicPartitions);

type Send = PlatformaticProducer['send'];
type Messages = Parameters<Send>[0]['messages'];

/** A producer of `@platformatic/kafka` whose answers are written down; after the last one it takes everything. */
class ScriptedProducer implements PlatformaticProducer {
  readonly sent: string[][] = [];
  readonly answers: Array<(messages: Messages) => ReturnType<Send>>;

  constructor(...answers: ScriptedProducer['answers']) {
    this.answers = answers;
  }

  async send({ messages }: { readonly messages: Messages }): ReturnType<Send> {
    this.sent.push(messages.map(({ key }) => key));
    const answer = this.answers.shift();
    if (answer !== undefined) return answer(messages);
    return { offsets: messages.slice(0, 1).map(({ topic, partition }) => ({ topic, partition, offset: 7n })) };
  }
}

const refusal = (failure: object): Promise<never> => Promise.reject(Object.assign(new Error('no'), failure));
const away = { message: 'ECONNREFUSED' };

describe('straight to Kafka', () => {
  test('a partition for itself, with the place of each event', async () => {
    const sent: unknown[] = [];
    const producer: KafkaJsProducer = {
      sendBatch: async ({ topicMessages, acks }) => {
        sent.push([topicMessages.map(({ topic, messages }) => [topic, messages.map(({ key }) => key)]), acks]);
        return [{ topicName: 'x-content', partition: 0, errorCode: 0, baseOffset: '7' }];
      },
    };
    const results = await connect({ transport: kafka({ producer, topicPrefix: 'x-' }) }).publishAll(events);
    expect(sent).toEqual([
      [[['x-content', ['a', 'a']]], -1],
      [[['x-content', ['b']]], -1],
    ]);
    expect(results.map((result) => result.accepted && [result.topic, result.partition, result.offset])).toEqual([
      ['content', at('a'), 7n],
      ['content', at('b'), 7n],
      ['content', at('a'), 8n],
    ]);
  });

  test('nothing follows a batch onto its partition before the outcome is known', async () => {
    const first = Promise.withResolvers<object>();
    const producer = new ScriptedProducer(() => first.promise);
    const streams = connect({ transport: kafka({ producer }) });
    const calls = ['a', 'a', 'b'].map((contentId) => streams.publish('content.withdrawn', { contentId }));
    await calls[2];
    expect(producer.sent).toEqual([['a'], ['b']]);
    first.resolve({});
    await Promise.all(calls);
    expect(producer.sent).toEqual([['a'], ['b'], ['a']]);
  });

  test('an attempt that took too long is joined, not sent again, and what was written with it neither', async () => {
    const late = Promise.withResolvers<object>();
    const producer = new ScriptedProducer(() => late.promise);
    const results = connect({ transport: kafka({ producer }), timeoutMs: 20 }).publishAll(events);
    await new Promise((resolve) => setTimeout(resolve, 60));
    late.resolve({ offsets: [{ topic: 'content', partition: at('a'), offset: 3n }] });
    expect((await results).map((result) => result.accepted && result.offset)).toEqual([3n, 7n, 4n]);
    expect(producer.sent).toEqual([['a', 'a'], ['b']]);
  });

  test('what waits behind an attempt that is still out is given up unsent', async () => {
    const producer = new ScriptedProducer(() => new Promise(() => undefined));
    const streams = connect({ transport: kafka({ producer }), timeoutMs: 10, retryForMs: 30 });
    const results = await Promise.all([events.slice(0, 1), events.slice(0, 1)].map((each) => streams.publishAll(each)));
    expect(results.flat()).toMatchObject([
      { accepted: false, code: 'UNAVAILABLE' },
      { accepted: false, code: 'UNAVAILABLE' },
    ]);
    expect(producer.sent).toEqual([['a']]);
  });

  test('of several partitions, only the one that failed is sent again', async () => {
    const producer = new ScriptedProducer(() => refusal(away));
    const results = await connect({ transport: kafka({ producer }) }).publishAll(events);
    expect(results.every(({ accepted }) => accepted)).toBe(true);
    expect(producer.sent).toEqual([['a', 'a'], ['b'], ['a', 'a']]);
  });

  test('what is too large together goes in halves, and nothing else again', async () => {
    const producer = new ScriptedProducer(() => refusal({ errors: [{ apiCode: 10 }] }));
    const results = await connect({ transport: kafka({ producer }) }).publishAll(events);
    expect(results.every(({ accepted }) => accepted)).toBe(true);
    expect(producer.sent).toEqual([['a', 'a'], ['b'], ['a'], ['a']]);
  });

  test.each([
    ['a broker that is away', { name: 'KafkaJSConnectionError', ...away }, 'UNAVAILABLE', true],
    ['a topic that is not ours', { message: 'no', cause: { code: 29 } }, 'FORBIDDEN', false],
    ['a message that is too large', { message: 'no', errors: [{ apiCode: 10 }] }, 'TOO_LARGE', false],
  ])('%s is told', async (_what, failure, code, retryable) => {
    const producer: PlatformaticProducer = { send: () => refusal(failure) };
    const results = await connect({ transport: kafka({ producer }), retryForMs: 0 }).publishAll(events.slice(0, 1));
    expect(results).toMatchObject([{ accepted: false, code, retryable }]);
  });

  test('is no way to follow the log', async () => {
    const streams = connect({ transport: kafka({ producer: new ScriptedProducer() }) });
    await expect(streams.subscribe().next()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

test('ids are UUIDs of version 7, each greater than the one before', () => {
  const ids = Array.from({ length: 5_000 }, newEventId);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(ids.every((id) => /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id))).toBe(true);
});
