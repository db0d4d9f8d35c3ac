import { describe, expect, test } from '@jest/globals';
import { newestAndLive, stateOf } from './stream-state.ts';
import type { StreamPage, StreamSummary } from './types.ts';

describe('the state of a stream', () => {
  test.each([
    ['created', null, 'waiting'],
    ['live', null, 'live'],
    ['live', 4000, 'live'],
    ['interrupted', 4000, 'interrupted'],
    ['stopped', 4000, 'recording'],
    ['stopped', 0, 'never live'],
    ['stopped', null, 'never live'],
  ] as const)('%s with %s ms of picture is called %s', (status, durationMs, name) => {
    expect(stateOf({ status, durationMs })).toBe(name);
  });
});

describe('the list of streams', () => {
  const stream = (id: string, status: StreamSummary['status']): StreamSummary => ({
    ...{ id, name: id, status, createdAt: null, startedAt: null, stoppedAt: null, durationMs: null, viewers: 0 },
    playback: { hls: '', dash: '' },
  });
  const pages: Readonly<Record<string, StreamPage>> = {
    '/api/v1/streams?status=live&limit=200': { items: [stream('st-old', 'live'), stream('st-new', 'live')] },
    '/api/v1/streams?limit=50': { items: [stream('st-newest', 'created'), stream('st-new', 'live'), stream('st-past', 'stopped')] },
  };

  test('has every live one, however old, and the newest of the rest, each once', async () => {
    const api = { get: <T>(path: string): Promise<T> => Promise.resolve(pages[path] as T) };
    const { items } = await newestAndLive(api, new AbortController().signal);
    expect(items.map(({ id }) => id)).toEqual(['st-old', 'st-new', 'st-newest', 'st-past']);
  });

  test('fails when one of its halves does: half a list would look whole', async () => {
    const api = { get: <T>(path: string): Promise<T> => (path.includes('live') ? Promise.resolve(pages[path] as T) : Promise.reject(new Error('away'))) };
    await expect(newestAndLive(api, new AbortController().signal)).rejects.toThrow('away');
  });
});
