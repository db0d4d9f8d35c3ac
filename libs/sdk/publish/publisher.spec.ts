import { describe, expect, test } from '@jest/globals';
import { connect, EventRefusedError, StreamsError, type PublishResult } from '../index.ts';
import { ScriptedTransport, takeAll, unavailable } from '../testing/scripted-transport.ts';

const data = { contentId: 'trailer-42', url: 'https://origin.example/42.mp4', contentType: 'video/mp4' };

function refuse(id: string, retryable: boolean): PublishResult {
  return { accepted: false, id, code: retryable ? 'EVENT_BATCH_REFUSED' : 'EVENT_TIME_INVALID', field: 'time', message: 'no', retryable };
}

describe('one event', () => {
  test('is published, and its place told', async () => {
    const transport = new ScriptedTransport();
    const streams = connect({ transport });
    expect(await streams.publish('content.published', data, { id: 'a' })).toMatchObject({ accepted: true, id: 'a', topic: 'content' });
    await streams.close();
    expect(transport.isClosed).toBe(true);
    await expect(streams.publish('content.published', data)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test.each<[string, unknown, string, string]>([
    ['content.published', { ...data, sizeBytes: -1 }, 'EVENT_DATA_INVALID', 'data.sizeBytes'],
    ['content.published', { ...data, colour: 'red' }, 'EVENT_DATA_INVALID', 'data.colour'],
    ['content.published', undefined, 'EVENT_DATA_INVALID', 'data'],
    ['content.lost', data, 'EVENT_TYPE_UNKNOWN', 'type'],
    ['stream.started', data, 'EVENT_NOT_OPEN', 'type'],
  ])('%s of %j is refused here, naming the field: %s %s', async (type, wrong, code, field) => {
    const transport = new ScriptedTransport();
    const refused = connect({ transport }).publish(type as 'content.published', wrong as typeof data);
    await expect(refused).rejects.toBeInstanceOf(EventRefusedError);
    await expect(refused).rejects.toMatchObject({ code, field, retryable: false });
    expect(transport.calls).toEqual([]);
  });

  test('keeps its id over retries', async () => {
    const transport = new ScriptedTransport({ answers: [() => Promise.reject(unavailable(1)), () => Promise.reject(new TypeError('fetch failed'))] });
    const { id } = await connect({ transport }).publish('content.published', data);
    expect(transport.calls).toEqual([[id], [id], [id]]);
  });

  test('that cannot be published in time says so, and that it may be tried again', async () => {
    const transport = new ScriptedTransport({ answers: Array.from({ length: 9 }, () => () => Promise.reject(unavailable(20))) });
    const failed = connect({ transport, retryForMs: 30 }).publish('content.published', data);
    await expect(failed).rejects.toMatchObject({ name: 'StreamsError', code: 'UNAVAILABLE', retryable: true });
    expect(transport.calls.length).toBeLessThanOrEqual(2);
  });

  test('is not tried again when that cannot help', async () => {
    const error = new StreamsError('who are you', { code: 'UNAUTHENTICATED', retryable: false });
    const transport = new ScriptedTransport({ answers: [() => Promise.reject(error)] });
    await expect(connect({ transport }).publish('content.published', data)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(transport.calls).toHaveLength(1);
  });
});

describe('events together', () => {
  test('each have their result, in their order', async () => {
    const transport = new ScriptedTransport({
      answers: [(events) => events.map(({ id }) => (id === 'b' ? refuse('b', false) : takeAll(events)[0])) as PublishResult[]],
    });
    const results = await connect({ transport }).publishAll([
      { type: 'content.published', data, id: 'a' },
      { type: 'content.published', data: { ...data, url: 'nowhere' }, id: 'wrong' },
      { type: 'content.withdrawn', data: { contentId: 'x' }, id: 'b' },
    ]);
    expect(results.map((result) => (result.accepted ? 'taken' : result.field))).toEqual(['taken', 'data.url', 'time']);
    expect(transport.calls).toEqual([['a', 'b']]);
  });

  test('are told of singly where a part has to be tried again', async () => {
    const once = (events: ReadonlyArray<{ id: string }>): PublishResult[] => events.map(({ id }) => refuse(id, id === 'b'));
    const transport = new ScriptedTransport({ answers: [once] });
    const events = ['a', 'b'].map((id) => ({ type: 'content.withdrawn', data: { contentId: 'x' }, id }) as const);
    expect((await connect({ transport }).publishAll(events)).map(({ accepted }) => accepted)).toEqual([false, true]);
    expect(transport.calls).toEqual([['a', 'b'], ['b']]);
  });

  test('that are too much for one call go in smaller ones', async () => {
    const tooLarge = (): never => {
      throw new StreamsError('too much', { code: 'TOO_LARGE', retryable: false });
    };
    const transport = new ScriptedTransport({ answers: [tooLarge, tooLarge] });
    const events = Array.from({ length: 4 }, (_, at) => ({ type: 'content.withdrawn', data: { contentId: 'x' }, id: `${at}` }) as const);
    expect((await connect({ transport }).publishAll(events)).every(({ accepted }) => accepted)).toBe(true);
    expect(transport.calls.slice(2)).toEqual([['0'], ['1'], ['2', '3']]);
  });
});

describe('a publisher', () => {
  const withdraw = (contentId: string) => ['content.withdrawn', { contentId }] as const;

  test('sends in batches and says what became of all', async () => {
    const transport = new ScriptedTransport({
      answers: [(events) => events.map(({ id }, at) => (at === 0 ? refuse(id, false) : { ...takeAll(events)[at], duplicate: at === 1 })) as PublishResult[]],
    });
    const publisher = connect({ transport }).publisher({ batchEventsMax: 10, lanes: 1, lingerMs: 1 });
    for (let at = 0; at < 25; at++) await publisher.add(...withdraw('c'), { id: `${at}` });
    expect(await publisher.close()).toMatchObject({ accepted: 24, duplicates: 1, refused: 1, refusals: [{ id: '0', field: 'time' }] });
    expect(transport.calls.map((call) => call.length)).toEqual([10, 10, 5]);
    expect(transport.calls.flat()).toEqual(Array.from({ length: 25 }, (_, at) => `${at}`));
    await expect(publisher.add(...withdraw('c'))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('keeps the order of a key over failures, however many lanes there are', async () => {
    const transport = new ScriptedTransport({
      answers: Array.from({ length: 8 }, (_, at) => (events) => (at % 2 === 0 ? Promise.reject(unavailable(at)) : takeAll(events))),
    });
    const landed: string[] = [];
    const publisher = connect({ transport }).publisher({ batchEventsMax: 3, lanes: 4, lingerMs: 0, onResult: ({ id }) => landed.push(id) });
    for (let at = 0; at < 60; at++) await publisher.add(...withdraw(`key-${at % 5}`), { id: `${at % 5}-${at}` });
    await publisher.close();
    for (let key = 0; key < 5; key++) {
      const order = landed.filter((id) => id.startsWith(`${key}-`)).map((id) => Number(id.split('-')[1]));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(order).toHaveLength(12);
    }
  });

  test('holds no more than it may: adding waits for room, and nothing is forgotten', async () => {
    const transport = new ScriptedTransport();
    const publisher = connect({ transport }).publisher({ bufferBytesMax: 2_000, lingerMs: 0 });
    let most = 0;
    const adding = Array.from({ length: 200 }, async (_, at) => {
      await publisher.add(...withdraw(`c-${at}`));
      most = Math.max(most, publisher.buffered);
    });
    await Promise.all(adding);
    expect(most).toBeLessThanOrEqual(2_000);
    expect(await publisher.close()).toMatchObject({ accepted: 200, refused: 0 });
    expect(publisher.buffered).toBe(0);
  });

  test('says when nobody waits for room', async () => {
    const forever = (): Promise<never> => new Promise(() => undefined);
    const publisher = connect({ transport: new ScriptedTransport({ answers: [forever] }) }).publisher({ bufferBytesMax: 1, lingerMs: 0, timeoutMs: 20 });
    const adding = Array.from({ length: 10_002 }, () => publisher.add(...withdraw('c')));
    for (const one of adding) one.catch(() => undefined);
    await expect(adding.at(-1)).rejects.toMatchObject({ code: 'BUFFER_FULL', retryable: true });
    // The call that nobody answered was given up, and went through the second time.
    expect(await publisher.close()).toMatchObject({ accepted: 10_001, refused: 0 });
  });

  test('answers for one event with a value, whatever becomes of it', async () => {
    const publisher = connect({ transport: new ScriptedTransport() }).publisher({ lingerMs: 0 });
    expect(await publisher.publish('content.withdrawn', { contentId: '' })).toMatchObject({
      accepted: false,
      code: 'EVENT_DATA_INVALID',
      field: 'data.contentId',
    });
    expect(await publisher.publish(...withdraw('c'))).toMatchObject({ accepted: true });
  });

  test('is flushed when the connection is closed', async () => {
    const streams = connect({ transport: new ScriptedTransport() });
    const results: PublishResult[] = [];
    const publisher = streams.publisher({ lingerMs: 60_000, onResult: (result) => results.push(result) });
    await publisher.add(...withdraw('c'));
    await streams.close();
    expect(results).toHaveLength(1);
  });
});
