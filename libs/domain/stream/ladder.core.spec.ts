import { describe, expect, test } from '@jest/globals';
import {
  defaultAudioBitrate,
  defaultDvrWindowMs,
  defaultGraceMs,
  defaultLadder,
  defaultSegmentDurationMs,
  settingsProblem,
  type StreamSettings,
} from './ladder.core.ts';

const good: StreamSettings = {
  ladder: defaultLadder,
  audioBitrate: defaultAudioBitrate,
  segmentDurationMs: defaultSegmentDurationMs,
  graceMs: defaultGraceMs,
  dvrWindowMs: defaultDvrWindowMs,
};
const rung = { name: '720p', height: 720, videoBitrate: 2_800_000 };

describe('stream settings', () => {
  test('the defaults are possible', () => {
    expect(settingsProblem(good)).toBeUndefined();
  });

  test('rungs may be called like what is beside a playlist: that has a dot in its name', () => {
    expect(settingsProblem({ ...good, ladder: ['iframes', 'captions', 'gap'].map((name) => ({ ...rung, name })) })).toBeUndefined();
  });

  test.each<[string, Partial<StreamSettings>, string]>([
    ['no rungs', { ladder: [] }, 'ladder'],
    ['thirteen rungs', { ladder: Array.from({ length: 13 }, (_, at) => ({ ...rung, name: `r${at}` })) }, 'ladder'],
    ['two rungs of one name', { ladder: [rung, rung] }, 'ladder.1.name'],
    ['a rung named as the audio', { ladder: [{ ...rung, name: 'audio' }] }, 'ladder.0.name'],
    ['a rung named as the multivariant playlist', { ladder: [{ ...rung, name: 'master' }] }, 'ladder.0.name'],
    ...['manifest', 'thumbnails', 'ts', 'audio-1', 'cc1', 'cc12', 'service6'].map((name): [string, Partial<StreamSettings>, string] => [
      `a rung named as a file of ours: ${name}`,
      { ladder: [rung, { ...rung, name }] },
      'ladder.1.name',
    ]),
    ['a name that is a path', { ladder: [{ ...rung, name: '../x' }] }, 'ladder.0.name'],
    ['an odd height', { ladder: [{ ...rung, height: 721 }] }, 'ladder.0.height'],
    ['half a pixel', { ladder: [{ ...rung, height: 720.5 }] }, 'ladder.0.height'],
    ['no bits', { ladder: [{ ...rung, videoBitrate: 0 }] }, 'ladder.0.videoBitrate'],
    ['silence', { audioBitrate: 0 }, 'audioBitrate'],
    ['segments of half a second', { segmentDurationMs: 500 }, 'segmentDurationMs'],
    ['segments off the grid', { segmentDurationMs: 2500 }, 'segmentDurationMs'],
    ['waiting for two days', { graceMs: 172_800_000 }, 'graceMs'],
    ['a window too short to play in', { dvrWindowMs: 59_999 }, 'dvrWindowMs'],
    ['a window of more than four hours', { dvrWindowMs: 14_400_001 }, 'dvrWindowMs'],
    ['a grace period that is no number', { graceMs: Number.NaN }, 'graceMs'],
  ])('%s', (_what, change, field) => {
    expect(settingsProblem({ ...good, ...change })).toEqual({ field, message: expect.any(String) });
  });
});
