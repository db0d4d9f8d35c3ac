import { describe, expect, test } from '@jest/globals';
import { isComplete, lastSegmentsMsMax, type StreamEnd } from './recording.core.ts';

const stopped: StreamEnd = { status: 'stopped', statusAtMs: 1000, encodingStatus: 'running', encodingReason: null };

describe('a recording is complete', () => {
  test.each<[string, Partial<StreamEnd>, boolean]>([
    ['not while the stream goes on', { status: 'live' }, false],
    ['not while its publisher is away', { status: 'interrupted', encodingStatus: 'ended', encodingReason: 'source-ended' }, false],
    ['not before the stream is known', { status: null }, false],
    ['not while the encoder still works', {}, false],
    ['once the encoder has said its last', { encodingStatus: 'ended', encodingReason: 'stopped' }, true],
    ['when the source had ended before', { encodingStatus: 'ended', encodingReason: 'source-ended' }, true],
    ['at once when there never was an encoder', { encodingStatus: null }, true],
    ['not after a crash, which another encoder follows', { encodingStatus: 'ended', encodingReason: 'crashed' }, false],
    ['not after the shutdown of a media process', { encodingStatus: 'ended', encodingReason: 'shutdown' }, false],
  ])('%s', (_when, change, expected) => {
    expect(isComplete({ ...stopped, ...change }, 1000)).toBe(expected);
  });

  test('after a bounded wait, whatever became of the encoder', () => {
    expect(isComplete(stopped, 1000 + lastSegmentsMsMax - 1)).toBe(false);
    expect(isComplete(stopped, 1000 + lastSegmentsMsMax)).toBe(true);
    expect(isComplete({ ...stopped, status: 'live' }, 1e12)).toBe(false);
  });
});
