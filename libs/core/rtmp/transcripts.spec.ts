import { describe, expect, test } from '@jest/globals';
import { fixture, transcripts } from './testing/fixtures.ts';
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

/** Sequence headers, frames and key frames of a kind. */
function counts(result: Replay, type: 'audio' | 'video'): string {
  const tags = ofType(result, type);
  const of = (kind: string): number => tags.filter((tag) => tag.kind === kind).length;
  return `${of('sequence-header')}/${of('frames')}/${tags.filter(({ keyFrame }) => keyFrame).length}`;
}

const silent = '0/0/0';
const pictures = '1/15/1';
const sounds = '1/45/0';

describe('the corpus', () => {
  const taken: Readonly<Record<string, readonly [video: string, audio: string]>> = {
    'ffmpeg-48-khz': [pictures, '1/48/0'],
    'ffmpeg-5.1-sound': [pictures, sounds],
    'ffmpeg-after-49-days': ['1/30/2', '1/88/0'],
    'ffmpeg-after-five-hours': ['1/30/2', '1/88/0'],
    'ffmpeg-as-fmle': [pictures, sounds],
    'ffmpeg-audio-only': [silent, sounds],
    'ffmpeg-av': ['1/30/2', '1/88/0'],
    'ffmpeg-b-frames': [pictures, sounds],
    'ffmpeg-chunks-of-128': ['1/30/2', '1/88/0'],
    'ffmpeg-intra-only': ['1/15/15', sounds],
    'ffmpeg-mono-8-khz': [pictures, '1/9/0'],
    'ffmpeg-mp3': [pictures, '1/40/0'],
    'ffmpeg-no-end-of-sequence': [pictures, sounds],
    'ffmpeg-no-metadata': [pictures, sounds],
    'ffmpeg-open-gop': [pictures, sounds],
    'ffmpeg-slices': [pictures, sounds],
    'ffmpeg-titled': [pictures, sounds],
    'ffmpeg-variable-rate': ['1/12/1', sounds],
    'ffmpeg-video-only': [pictures, silent],
    'ffmpeg-with-arguments': [pictures, sounds],
    'ffmpeg-with-page': [pictures, sounds],
    gstreamer: ['1/30/2', '1/87/0'],
    'gstreamer-mp3': ['1/30/2', '1/78/0'],
    'gstreamer-video-only': ['1/30/2', silent],
    librtmp: ['1/30/2', '1/87/0'],
    'librtmp-chunks-of-128': ['1/30/2', silent],
    obs: ['1/41/1', '1/64/0'],
    'obs-60-fps': ['1/84/1', '1/65/0'],
    'obs-b-frames': ['1/44/2', '1/66/0'],
    'obs-intra-refresh': ['1/41/2', '1/64/0'],
    'obs-mono-44-khz': ['1/38/1', '1/54/0'],
    'obs-surround': ['1/39/1', '1/61/0'],
    'obs-with-password': ['1/42/1', '1/66/0'],
  };
  const refused: Readonly<Record<string, string>> = {
    'ffmpeg-adpcm': 'RTMP_CODEC_UNSUPPORTED',
    'ffmpeg-nellymoser': 'RTMP_CODEC_UNSUPPORTED',
    'ffmpeg-pcm': 'RTMP_CODEC_UNSUPPORTED',
    'ffmpeg-screen-video': 'RTMP_CODEC_UNSUPPORTED',
    'ffmpeg-sorenson': 'RTMP_CODEC_UNSUPPORTED',
    'ffmpeg-speex': 'RTMP_CODEC_UNSUPPORTED',
    'ffmpeg-wrong-app': 'RTMP_APP_UNKNOWN',
  };

  test('is known, every one of it', () => {
    expect([...Object.keys(taken), ...Object.keys(refused)].toSorted()).toEqual(transcripts.toSorted());
  });

  test.each(Object.entries(taken))('%s is taken to its end', (name, media) => {
    const result = replay(fixture(name));
    expect([counts(result, 'video'), counts(result, 'audio')]).toEqual(media);
    expect(result).toMatchObject({ closed: '', unpublished: true, slabsHeld: 0 });
  });

  test.each(Object.entries(refused))('%s is refused', (name, code) => {
    expect(replay(fixture(name))).toMatchObject({ closed: code, unpublished: false, slabsHeld: 0 });
  });

  test.each(transcripts)('%s is the same in pieces, however small', (name) => {
    const { sentBytes, ...whole } = replay(fixture(name));
    const { sentBytes: sent, ...pieces } = replay(fixture(name), { pieceBytesMax: 500, seed: 5 });
    expect(pieces).toEqual(whole);
    expect(sent.length).toBe(sentBytes.length);
  });

  test('describes itself, in whatever alphabet', () => {
    expect(replay(fixture('obs')).metadata[0]).toMatchObject({ width: 640, height: 360, frameRate: 30, audioSampleRate: 48000 });
    expect(replay(fixture('ffmpeg-titled')).metadata[0]).toMatchObject({ width: 160, height: 90 });
  });
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
