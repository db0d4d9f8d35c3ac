import { expect, test } from '@jest/globals';
import { standingReplays, waitsForOperator } from './replays.ts';
import type { Replay } from './types.ts';

const replay = (id: string, status: Replay['status'], more: Partial<Replay> = {}): Replay => ({
  ...{ id, status, projection: 'streams', mode: 'rebuild', version: 1, requestedBy: null, note: null, progress: null, eventsGone: null, serves: false },
  ...more,
});
const comparisons = (count: number): readonly Replay[] => Array.from({ length: count }, (_, n) => replay(`c${n}`, 'compared', { mode: 'comparison' }));
const idsOf = (replays: readonly Replay[]): string => replays.map(({ id }) => id).join(' ');

test('comparisons do not push away what serves, what it replaced and what somebody has to decide', () => {
  const older = [replay('ready', 'ready'), replay('serves', 'promoted', { serves: true }), replay('failed', 'failed'), replay('before', 'promoted')];
  const all = [...comparisons(9), replay('paused', 'paused'), ...older, replay('long-ago', 'promoted')];
  expect(idsOf(standingReplays(all, 1))).toBe('c0 c1 c2 c3 paused ready serves before');
  expect(idsOf(standingReplays(all, 0))).toBe('c0 c1 c2 c3 paused ready serves');
});

test('how the newest rebuild went stays to be read', () => {
  const all = [...comparisons(5), replay('back', 'rolled-back'), replay('older', 'rolled-back')];
  expect(idsOf(standingReplays(all, 0))).toBe('c0 c1 c2 c3 back');
});

test('one that two lists have stands there once', () => {
  const [first, ...rest] = comparisons(3) as [Replay, ...Replay[]];
  expect(idsOf(standingReplays([first, ...rest, first], 0))).toBe('c0 c1 c2');
});

test('only a build that is ready waits for somebody to decide', () => {
  expect(waitsForOperator(replay('a', 'ready'))).toBe(true);
  expect(waitsForOperator(replay('a', 'running'))).toBe(false);
  expect(waitsForOperator(replay('a', 'ready', { mode: 'comparison' }))).toBe(false);
});
