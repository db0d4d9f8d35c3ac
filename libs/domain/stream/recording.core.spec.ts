import { describe, expect, test } from '@jest/globals';
import { recordingFailed, recordingFinished, streamInterrupted, streamStopped, type DomainEvent } from '#events';
import { isComplete, lastSegmentsMsMax, type StreamEnd } from './recording.core.ts';
import { recordingsProjection } from './recording.projection.ts';
import { recordingsReactor } from './recordings-reactor.ts';

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

describe('the one file that a stream is made into', () => {
  const event = (type: string, data: object): DomainEvent => ({ type, data, tenant: 'acme', time: 5 }) as never;

  test('is asked for when the stream has stopped for good', () => {
    const stop = event(streamStopped.type, { streamId: 'st-1', reason: 'operator', detail: '' });
    expect(recordingsReactor.react({ event: stop, recordedAtMs: 0 }, undefined)).toEqual([
      { kind: 'recording-finish', lane: 'st-1', payload: { streamId: 'st-1' } },
    ]);
    expect(recordingsReactor.react({ event: event(streamInterrupted.type, {}), recordedAtMs: 0 }, undefined)).toEqual([]);
  });

  test('has a row, made or not', () => {
    const sample = recordingFinished.samples[0] as object;
    const [made] = recordingsProjection.project(event(recordingFinished.type, sample));
    expect(made).toMatchObject({ set: { status: 'finished', tenant: 'acme', duration_ms: 600_000n, renditions: ['720p', 'audio'] }, stamps: { round: 0n } });
    const [failed] = recordingsProjection.project(event(recordingFailed.type, { streamId: 'st-1', round: 2, reason: 'no-segments', detail: 'none' }));
    expect(failed).toMatchObject({ set: { status: 'failed', reason: 'no-segments: none', mp4_cid: null }, stamps: { round: 2n } });
    expect(recordingsProjection.project(event(streamStopped.type, {}))).toEqual([]);
  });
});
