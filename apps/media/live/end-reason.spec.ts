import { expect, test } from '@jest/globals';
import { encodingEnded } from '#events';
import { endReasonOf } from './end-reason.ts';
import { RestartPace } from './restart-pace.core.ts';

const goingOn = { isShuttingDown: false, isStopped: false, isCut: false };

test.each([
  ['finished', goingOn, 'source-ended'],
  ['crashed', goingOn, 'crashed'],
  ['stalled', goingOn, 'stalled'],
  ['too-slow', goingOn, 'too-slow'],
  ['not-carried', goingOn, 'not-carried'],
  ['not-started', goingOn, 'failed-to-start'],
  ['too-slow', { ...goingOn, isStopped: true }, 'stopped'],
  ['not-started', { ...goingOn, isStopped: true }, 'failed-to-start'],
  ['finished', { ...goingOn, isCut: true }, 'switched'],
  ['crashed', { ...goingOn, isCut: true }, 'crashed'],
  ['crashed', { isShuttingDown: true, isStopped: true, isCut: false }, 'shutdown'],
] as const)('an encoder that is %s while %j is told as %s', (kind, now, reason) => {
  expect(endReasonOf(kind, now)).toBe(reason);
  const draft = { streamId: 's', sessionId: 'e', epoch: 1, node: 'n', reason, exitCode: null, lastLines: [] };
  expect(encodingEnded.schema.parse(draft)).toEqual(draft);
});

test('waits grow with failures in a row, and what was decided here neither waits nor counts', () => {
  const pace = new RestartPace();
  const after = (...kinds: ReadonlyArray<Parameters<RestartPace['after']>[0]>): number[] => kinds.map((kind, n) => pace.after(kind, n * 1000));
  expect(after('crashed', 'crashed', 'too-slow', 'not-carried', 'stalled')).toEqual([0, 100, 0, 0, 200]);
  expect(after(...Array.from({ length: 6 }, () => 'crashed' as const)).at(-1)).toBe(15_000);
  expect(after('too-slow', 'too-slow', 'crashed')).toEqual([0, 0, 15_000]);
  pace.success();
  expect(after('crashed')).toEqual([0]);
});
