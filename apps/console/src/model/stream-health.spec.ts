import { describe, expect, test } from '@jest/globals';
import { newestKeyFrame } from './key-frame.ts';
import { alertName, decisionOf, figuresOf, meterShare, sparkline, type Measured } from './stream-health.ts';

const measured: Measured = {
  at: '2026-11-26T20:00:00Z',
  node: 'node-1',
  isNow: true,
  input: {
    ...{ videoBitrate: 4_000_000, audioBitrate: 128_000, frameRate: 30, keyFrameIntervalMs: 2000, keyFrameIntervalFrames: 60 },
    ...{ reordersFrames: false, soundAheadMs: 12 },
  },
  behindMs: 2500,
  encoderSpeed: 1,
  picture: null,
  sound: null,
};

describe('figures', () => {
  const tones = (change: Partial<Measured['input']>, more: Partial<Measured> = {}): Readonly<Record<string, string>> =>
    Object.fromEntries(figuresOf({ ...measured, ...more, input: { ...measured.input, ...change } }, 2).map(({ id, tone }) => [id, tone]));

  test('a stream that is well is well in everything', () => expect(new Set(Object.values(tones({})))).toEqual(new Set(['good'])));
  test('what is wrong is marked where it is', () => {
    expect(tones({ keyFrameIntervalMs: 10_000 })['key-frames']).toBe('warn');
    expect(tones({ reordersFrames: true })['frame-rate']).toBe('warn');
    expect(tones({ soundAheadMs: -800 })['drift']).toBe('warn');
    expect(tones({ videoBitrate: 0, audioBitrate: 0 })['input']).toBe('bad');
    expect(tones({}, { encoderSpeed: 0.5 })['encoder']).toBe('bad');
    expect([tones({}, { behindMs: 7000 })['behind'], tones({}, { behindMs: 30_000 })['behind']]).toEqual(['warn', 'bad']);
  });
  test('what is not known is a dash', () => {
    const values = figuresOf({ ...measured, encoderSpeed: null, input: { ...measured.input, keyFrameIntervalMs: null, soundAheadMs: null } }, 2).map(
      ({ value }) => value,
    );
    expect(values.filter((value) => value === '–')).toHaveLength(3);
  });
});

test('a meter goes from 60 dB below full scale to it', () => expect([-90, -60, -30, 0].map(meterShare)).toEqual([0, 0, 0.5, 1]));

test('a line has its newest point at the right and stays within its box', () => {
  expect(sparkline([1, 2, 4]).split(' ').at(-1)).toMatch(/^100\.00,13\.04$/);
  expect(sparkline([0, 0])).toBe('0.00,100.00 100.00,100.00');
  expect(sparkline([7])).not.toContain('NaN');
});

describe('decisions', () => {
  const decision = (type: string, data: object) => decisionOf({ type, data: data as never });
  test.each([
    ['stream.interrupted', { reason: 'stalled', detail: 'no media for 10 s' }, 'Interrupted', 'stalled: no media for 10 s', 'warn'],
    ['encoding.ended', { reason: 'crashed', lastLines: ['a', 'Conversion failed!'] }, 'Encoder ended', 'crashed: Conversion failed!', 'bad'],
    ['encoding.ended', { reason: 'source-ended', lastLines: [] }, 'Encoder ended', 'source-ended', 'plain'],
    ['encoding.started', { encoder: 'libx264', renditions: [{ name: '720p' }, { name: 'audio' }] }, 'Encoder started', 'libx264 makes 720p, audio', 'plain'],
    ['stream.cue-refused', { cue: 'onCuePoint', reason: 'malformed', detail: 'It says nothing.' }, 'onCuePoint refused', 'malformed: It says nothing.', 'warn'],
    ['stream.alert-raised', { alert: 'silence', detail: 'There has been no sound for 10 s.' }, 'Silence', 'There has been no sound for 10 s.', 'bad'],
    ['stream.alert-cleared', { alert: 'silence', lastedMs: 42_000, reason: 'session-ended' }, 'Silence: over', 'after 42 s, with the session', 'good'],
    ['stream.marked', { class: null, markerId: 'm1' }, 'Marked', 'marker: m1', 'plain'],
    ['something.new', {}, 'something.new', '', 'plain'],
  ])('%s', (type, data, title, reason, tone) => expect(decision(type, data)).toEqual({ title, reason, tone }));
  test('an alert that this page does not know keeps its name', () => expect(alertName('new-one')).toBe('new-one'));
});

describe('the newest key frame', () => {
  const base = 'http://edge/live/st-a/720p.iframes.m3u8';
  test('is the last that is named, with the initialisation before it', () => {
    const playlist = [
      '#EXT-X-MAP:URI="../../media/i0.mp4"',
      '#EXTINF:2,',
      '#EXT-X-BYTERANGE:100@0',
      '../../media/s0.m4s',
      '#EXT-X-MAP:URI="../../media/i1.mp4"',
      '#EXT-X-BYTERANGE:200@50',
      '../../media/s1.m4s',
      '#EXT-X-GAP',
      'gap.m4s',
    ].join('\n');
    expect(newestKeyFrame(playlist, base)).toEqual({ initUrl: 'http://edge/media/i1.mp4', mediaUrl: 'http://edge/media/s1.m4s', first: 50, last: 249 });
  });
  test('of none there is none', () => expect(newestKeyFrame('#EXTM3U\n', base)).toBeUndefined());
});
