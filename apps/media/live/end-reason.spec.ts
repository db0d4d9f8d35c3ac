import { expect, test } from '@jest/globals';
import { encodingEnded } from '#events';
import { endReasonOf } from './end-reason.ts';

const goingOn = { isShuttingDown: false, isStopped: false, isCut: false };

test.each([
  ['finished', goingOn, 'source-ended'],
  ['crashed', goingOn, 'crashed'],
  ['stalled', goingOn, 'stalled'],
  ['too-slow', goingOn, 'too-slow'],
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
