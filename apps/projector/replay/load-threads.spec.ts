import { describe, expect, test } from '@jest/globals';
import { sharedOut } from './load-threads.ts';
import { readReplaySettings } from './replay.config.ts';

describe('the threads of a replay', () => {
  test.each([
    [
      [5, 4, 3, 2, 1],
      2,
      [
        [5, 2, 1],
        [4, 3],
      ],
    ],
    [[7], 3, [[7]]],
    [[], 2, []],
    [[0, 0, 9], 2, [[9], [0, 0]]],
  ])('get parts of %j as even as they can be: %i', (sizes, parts, shares) => {
    expect(sharedOut(sizes, (size) => size, parts)).toEqual(shares);
  });
});

test('replays take what the settings allow', () => {
  expect(readReplaySettings({})).toEqual({
    replaysMax: 2,
    partitionsMax: 4,
    threadsMax: 2,
    threadEventsMin: 200_000,
    eventsPerSecondMax: 0,
    keepMs: 86_400_000,
    acceptLoss: [],
  });
  expect(readReplaySettings({ REPLAY_KEEP_HOURS: '1', REPLAYS_MAX: '3' })).toMatchObject({ replaysMax: 3, keepMs: 3_600_000 });
  expect(readReplaySettings({ REPLAY_ACCEPT_LOSS: 'contents,streams' }).acceptLoss).toEqual(['contents', 'streams']);
  expect(() => readReplaySettings({ REPLAY_ACCEPT_LOSS: 'Contents;' })).toThrow('REPLAY_ACCEPT_LOSS must match');
  expect(() => readReplaySettings({ REPLAY_THREADS: '0' })).toThrow('REPLAY_THREADS must be a whole number from 1 to 16');
});
