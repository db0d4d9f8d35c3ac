import { describe, expect, test } from '@jest/globals';
import { connect, EventUnreadableError, MemoryResumeStore, StreamsError, type Delivery, type SubscribeInit } from '../index.ts';
import { ScriptedTransport, sent, unavailable } from '../testing/scripted-transport.ts';

function one(offset: number): Delivery {
  return { events: [sent(offset)], token: `t${offset}` };
}

/** Offsets, until there are enough. */
async function offsets(transport: ScriptedTransport, count: number, init: SubscribeInit = {}): Promise<bigint[]> {
  const seen: bigint[] = [];
  for await (const event of connect({ transport }).subscribe(init)) {
    seen.push(event.offset);
    if (seen.length === count) break;
  }
  return seen;
}

describe('a subscription', () => {
  test('asks for what is wanted, and brings events as the catalogue types them', async () => {
    const transport = new ScriptedTransport({ connections: [[one(1)]] });
    for await (const event of connect({ transport }).subscribe({ types: ['content.withdrawn'], key: 'c-1', from: new Date(5) })) {
      expect(event).toMatchObject({ type: 'content.withdrawn', data: { contentId: 'c-1' }, partition: 3, offset: 1n, token: 't1', version: 1 });
      break;
    }
    expect(transport.filters).toMatchObject([{ types: ['content.withdrawn'], key: 'c-1' }]);
    expect(transport.starts).toEqual([{ time: 5 }]);
  });

  test('goes on behind the last event after every break, and brings nothing twice', async () => {
    const connections = [[one(1), one(2), unavailable(1)], [one(2), one(3)], [new TypeError('terminated')], [one(3), one(4)]];
    const transport = new ScriptedTransport({ connections });
    const breaks: string[] = [];
    expect(await offsets(transport, 4, { from: 'beginning', onBreak: (error) => breaks.push(error.message) })).toEqual([1n, 2n, 3n, 4n]);
    expect(transport.starts).toEqual([{ at: 'beginning' }, { token: 't2' }, { token: 't3' }, { token: 't3' }]);
    expect(breaks).toHaveLength(3);
  });

  test('moves on with a token that comes alone', async () => {
    const transport = new ScriptedTransport({ connections: [[{ events: [], token: 'later' }, unavailable(1)], [one(9)]] });
    await offsets(transport, 1);
    expect(transport.starts.at(-1)).toEqual({ token: 'later' });
  });

  test('keeps its place in a store, behind what was dealt with', async () => {
    const resume = new MemoryResumeStore();
    const store = { resume, saveEveryMs: 0 };
    expect(await offsets(new ScriptedTransport({ connections: [[one(1), one(2), one(3)]] }), 3, store)).toEqual([1n, 2n, 3n]);
    // The loop was left in the middle of the third.
    expect(resume.load()).toBe('t2');
    const again = new ScriptedTransport({ connections: [[one(3)]] });
    expect(await offsets(again, 1, { ...store, from: 'beginning' })).toEqual([3n]);
    expect(again.starts).toEqual([{ token: 't2' }]);
  });

  test('saves at its end what it did not have to save before', async () => {
    const resume = new MemoryResumeStore();
    await offsets(new ScriptedTransport({ connections: [[one(1), one(2), one(3)]] }), 3, { resume, saveEveryMs: 1e9 });
    expect(resume.load()).toBe('t2');
  });

  test('of batches has the place before the batch until its last event', async () => {
    const batch = { events: [sent(2), sent(3)], token: 't3' };
    const tokens: string[] = [];
    for await (const event of connect({ transport: new ScriptedTransport({ connections: [[one(1), batch]] }) }).subscribe())
      if (tokens.push(event.token) === 3) break;
    expect(tokens).toEqual(['t1', 't1', 't3']);
  });

  test('ends without an error when it is aborted: while waiting, and in the middle', async () => {
    const waiting = new AbortController();
    setTimeout(() => waiting.abort(), 5);
    expect(await offsets(new ScriptedTransport(), 1, { signal: waiting.signal })).toEqual([]);
    const middle = new AbortController();
    const resume = new MemoryResumeStore();
    const transport = new ScriptedTransport({ connections: [[{ events: [sent(1), sent(2)], token: 't2' }]] });
    let count = 0;
    for await (const _ of connect({ transport }).subscribe({ signal: middle.signal, resume, saveEveryMs: 0 })) {
      count++;
      middle.abort();
    }
    expect([count, resume.load()]).toEqual([1, undefined]);
  });

  test.each<[StreamsError]>([
    [new StreamsError('gone', { code: 'TOKEN_TRUNCATED', retryable: false })],
    [new StreamsError('who', { code: 'UNAUTHENTICATED', retryable: false })],
  ])('ends with what does not pass: %s', async (error) => {
    await expect(offsets(new ScriptedTransport({ connections: [[error]] }), 1)).rejects.toBe(error);
  });

  test('ends when its place cannot be saved, rather than lose it', async () => {
    const resume = { load: () => undefined, save: () => Promise.reject(new Error('disk full')) };
    await expect(offsets(new ScriptedTransport({ connections: [[one(1), one(2)]] }), 9, { resume })).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  test.each([
    ['an unknown type', { type: 'content.exploded' }],
    ['an unknown version', { dataschema: 'urn:streams:event:content.withdrawn:7' }],
    ['wrong data', { data: {} }],
    ['no data', { data: undefined }],
    ['no time', { time: 'noon' }],
  ])('says when an event cannot be read (%s), or hands it over and goes on', async (_what, change) => {
    const connections = [[{ events: [sent(1, change)], token: 't1' }, one(2)]];
    await expect(offsets(new ScriptedTransport({ connections }), 1)).rejects.toBeInstanceOf(EventUnreadableError);
    const unreadable: unknown[] = [];
    expect(await offsets(new ScriptedTransport({ connections }), 1, { onUnreadable: ({ event }) => unreadable.push(event['id']) })).toEqual([2n]);
    expect(unreadable).toEqual(['id-1']);
  });
});
