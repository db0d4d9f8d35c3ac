import { describe, expect, test } from '@jest/globals';
import { fixture } from './testing/fixtures.ts';
import { ofType, replay, type Replay } from './testing/replay.ts';

function withoutTimes(result: Replay): readonly string[] {
  return result.tags.map((tag) => `${tag.type} ${tag.kind} ${tag.keyFrame} ${tag.body}`).sort();
}

describe('a publisher recorded from ffmpeg', () => {
  const whole = replay(fixture('ffmpeg-av'));

  test('asks for its path, describes itself, sends its configuration, its frames, and says that it ends', () => {
    expect(whole.paths).toEqual([{ app: 'live', key: `st-aaaaaaaa-${'b'.repeat(26)}` }]);
    expect(whole.metadata[0]).toMatchObject({ width: 160, height: 90, frameRate: 15, audioSampleRate: 44100 });
    expect(ofType(whole, 'video').filter((tag) => tag.kind === 'sequence-header')).toHaveLength(1);
    expect(ofType(whole, 'audio').filter((tag) => tag.kind === 'sequence-header')).toHaveLength(1);
    expect(ofType(whole, 'video').filter((tag) => tag.kind === 'frames')).toHaveLength(30);
    expect(ofType(whole, 'video').filter((tag) => tag.keyFrame)).toHaveLength(2);
    expect(ofType(whole, 'audio').filter((tag) => tag.kind === 'frames').length).toBeGreaterThan(80);
    expect(whole.unpublished).toBe(true);
    expect(whole.closed).toBe('');
    expect(whole.slabsHeld).toBe(0);
  });

  test('its times begin at zero and never go back within a track', () => {
    for (const type of ['audio', 'video'] as const) {
      const times = ofType(whole, type).map((tag) => tag.timestampMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times[0]).toBe(0);
      expect(times.at(-1)).toBeGreaterThan(1800);
    }
  });

  test.each([1, 7, 64, 4000])('cut into pieces of up to %i bytes it is the same', (pieceBytesMax) => {
    for (const name of ['ffmpeg-av', 'ffmpeg-chunks-of-128', 'ffmpeg-after-five-hours']) {
      const input = fixture(name);
      const { sentBytes, ...expected } = replay(input);
      const { sentBytes: sent, ...actual } = replay(input, { pieceBytesMax, seed: pieceBytesMax });
      expect(actual).toEqual(expected);
      expect(sent.length).toBe(sentBytes.length);
    }
  });

  test('slabs so small that every message lies across several change nothing', () => {
    expect(replay(fixture('ffmpeg-av'), { slabBytes: 97, pieceBytesMax: 300 }).tags).toEqual(whole.tags);
  });

  test('in chunks of 128 bytes, the audio between the video, it carries the same media', () => {
    expect(withoutTimes(replay(fixture('ffmpeg-chunks-of-128')))).toEqual(withoutTimes(whole));
  });

  test('with timestamps beyond 24 bits, it carries the same media at the same times', () => {
    expect(replay(fixture('ffmpeg-after-five-hours')).tags).toEqual(whole.tags);
  });

  test('what came behind publish waits for the decision and is not lost', () => {
    expect(replay(fixture('ffmpeg-av'), { pieceBytesMax: 300, decideAfter: 20 }).tags).toEqual(whole.tags);
  });

  test('more than the bound before the decision ends the session', () => {
    const result = replay(fixture('ffmpeg-av'), { pieceBytesMax: 300, decideAfter: 100, limits: { heldBytesMax: 2000 } });
    expect(result.closed).toBe('RTMP_LIMIT_EXCEEDED');
  });
});

test('ffmpeg with audio alone is taken', () => {
  const result = replay(fixture('ffmpeg-audio-only'));
  expect(ofType(result, 'video')).toHaveLength(0);
  expect(ofType(result, 'audio').length).toBeGreaterThan(40);
  expect(result.closed).toBe('');
});

test('ffmpeg with MP3 audio is taken, with a configuration that says so', () => {
  const result = replay(fixture('ffmpeg-mp3'));
  const audio = ofType(result, 'audio');
  expect(audio[0]).toMatchObject({ kind: 'sequence-header', timestampMs: expect.any(Number), body: expect.stringMatching(/^5:/) });
  expect(audio.slice(1).every(({ kind }) => kind === 'frames')).toBe(true);
  expect(result.closed).toBe('');
  expect(result.slabsHeld).toBe(0);
});

test('ffmpeg with an unknown application is refused at connect, and told so', () => {
  const result = replay(fixture('ffmpeg-wrong-app'));
  expect(result.closed).toBe('RTMP_APP_UNKNOWN');
  expect(result.paths).toEqual([]);
  expect(new TextDecoder().decode(result.sentBytes)).toContain('NetConnection.Connect.Rejected');
});
