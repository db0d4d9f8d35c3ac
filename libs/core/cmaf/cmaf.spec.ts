import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeEnhanced, enhancedPacket, opusConfigOf } from '#core/flv';
import { Fmp4Splitter, readSampleEntry, writeFragment, type Fragment } from '#core/fmp4';
import { canRemux, fragmentFramesMax, Remuxer, RemuxError, trackOf, type RemuxPart } from './index.ts';

/** What x264 tells of a 1280x720 picture. */
const avcRecord = Uint8Array.from(Buffer.from('0164001fffe1001a6764001facd9405005bb0110000003001000000303c0f183196001000668ebe3cb22c0', 'hex'));
const avcConfig = Uint8Array.of(0x17, 0, 0, 0, 0, ...avcRecord);
const aacConfig = Uint8Array.of(0xaf, 0, 0x12, 0x10);

function avcFrame(compositionMs: number, keyFrame: boolean, data: readonly number[] = [1, 2, 3]): Uint8Array {
  return Uint8Array.of(keyFrame ? 0x17 : 0x27, 1, (compositionMs >> 16) & 0xff, (compositionMs >> 8) & 0xff, compositionMs & 0xff, ...data);
}

const aacFrame = (n: number): Uint8Array => Uint8Array.of(0xaf, 1, 0x21, n & 0xff);

function fragmentsOf(parts: readonly RemuxPart[]): Fragment[] {
  return parts.flatMap((part) => (part.kind === 'fragment' ? [part.fragment] : []));
}

/** Reads what was written as a player would, and answers the samples. */
function readBack(parts: readonly RemuxPart[]): { readonly codecs: string; readonly fragments: readonly Fragment[] } {
  const splitter = new Fmp4Splitter({ boxBytesMax: 1e6 });
  let codecs = '';
  const fragments: Fragment[] = [];
  parts.forEach((part, index) => {
    const bytes = part.kind === 'init' ? part.bytes : writeFragment({ ...part.fragment, trackId: 1, sequence: index });
    for (const read of splitter.push(bytes)) {
      if (read.kind === 'init') codecs = read.track.codecs;
      else fragments.push(read.fragment);
    }
  });
  return { codecs, fragments };
}

const video = (offsetMs = 0, startUs = 0): Remuxer => new Remuxer({ kind: 'video', config: avcConfig, offsetMs, startUs });
const audio = (offsetMs = 0, startUs = 0, config = aacConfig): Remuxer => new Remuxer({ kind: 'audio', config, offsetMs, startUs });

describe('the picture', () => {
  /** 25 frames a second in the order of decoding: every second frame is shown before the one it depends on. */
  function group(seconds: number): RemuxPart[] {
    const remuxer = video(-80 + 1000, 1_000_000);
    const parts: RemuxPart[] = [];
    for (let n = 0; n < seconds * 25; n++) {
      const compositionMs = n % 25 === 0 ? 80 : n % 2 === 1 ? 120 : 40;
      parts.push(...remuxer.push(avcFrame(compositionMs, n % 25 === 0, [n]), n * 40));
    }
    return [...parts, ...remuxer.finish()];
  }

  test('becomes an initialisation and fragments of half a second that begin with key frames where they are shown', () => {
    const parts = group(2);
    expect(parts[0]).toMatchObject({ kind: 'init', track: { codecs: 'avc1.64001f', width: 1280, height: 720, timescale: 90_000 } });
    const fragments = fragmentsOf(parts);
    expect(fragments.map(({ baseDecodeTime, samples }) => [baseDecodeTime, samples.length])).toEqual([
      [90_000, 14],
      [133_200, 11],
      [180_000, 14],
      [223_200, 11],
    ]);
    // The cut is known when the key frame comes, not when its fragment is full.
    expect(fragments.map(({ endsAtKeyFrame }) => endsAtKeyFrame)).toEqual([undefined, true, undefined, undefined]);
    expect(fragments.flatMap(({ samples }) => samples.map(({ data }) => data[0]))).toEqual(Array.from({ length: 50 }, (_, n) => n));
    // Frames behind the key frame do not wait as long as that did; the last one lasts until the next key frame.
    const first = fragments.slice(0, 2).flatMap(({ samples }) => samples);
    expect(first.slice(0, 4).map(({ compositionOffset, duration }) => [compositionOffset, duration])).toEqual([
      [0, 1],
      [7199, 1],
      [3598, 3598],
      [10_800, 3600],
    ]);
    expect(first.at(-1)).toMatchObject({ compositionOffset: 3600, duration: 3600 + 7200 });
    expect(Math.min(...first.map(({ compositionOffset }) => compositionOffset))).toBe(0);
    expect(first.reduce((sum, { duration }) => sum + duration, 0)).toBe(90_000);
  });

  test('is read back sample for sample, with what moved its decode times', () => {
    const parts = group(1);
    const read = readBack(parts);
    expect(read.codecs).toBe('avc1.64001f');
    expect(read.fragments).toEqual(fragmentsOf(parts).map(({ endsAtKeyFrame: _told, ...fragment }) => fragment));
    const entry = readSampleEntry((parts[0] as Extract<RemuxPart, { kind: 'init' }>).bytes);
    expect(entry).toMatchObject({ type: 'avc1', shiftTicks: 7200, config: avcRecord });
  });

  test('of a variable rate has the durations that its frames really last; a repeated time lasts a tick', () => {
    const remuxer = video();
    const parts = [0, 33, 33, 150, 1150].flatMap((ms, n) => remuxer.push(avcFrame(0, n === 0), ms));
    const samples = fragmentsOf([...parts, ...remuxer.finish(1200)]).flatMap((one) => one.samples);
    expect(samples.map(({ duration, compositionOffset }) => [duration, compositionOffset])).toEqual([
      [2970, 0],
      [1, 0],
      [10_529, -1],
      [90_000, 0],
      [4500, 0],
    ]);
  });

  test('begins with its first key frame, and needs one', () => {
    const remuxer = video();
    expect([remuxer.push(avcFrame(0, false), 0), remuxer.push(avcFrame(0, false), 40), remuxer.finish()]).toEqual([[], [], []]);
  });
});

describe('the sound', () => {
  test('is counted in samples, whatever its milliseconds are rounded to', () => {
    const remuxer = audio(500, 500_000);
    const parts = Array.from({ length: 100 }, (_, n) => remuxer.push(aacFrame(n), Math.round((n * 1024_000) / 44_100))).flat();
    expect(parts[0]).toMatchObject({ track: { codecs: 'mp4a.40.2', timescale: 44_100, channels: 2 } });
    const fragments = fragmentsOf([...parts, ...remuxer.finish()]);
    expect(fragments[0]?.baseDecodeTime).toBe(22_050);
    let at = 22_050;
    for (const { baseDecodeTime, samples } of fragments) {
      expect(baseDecodeTime).toBe(at);
      for (const { duration } of samples) expect(duration).toBe(1024);
      at += samples.length * 1024;
    }
    expect(at).toBe(22_050 + 100 * 1024);
    expect(remuxer.corrections).toEqual({ filled: 0, leftOut: 0 });
  });

  test('closes a hole by repeating the frame before it, and leaves out what comes too early', () => {
    const remuxer = audio();
    const times = [0, 23, 46, 1046, 1069, 1000, 1092];
    const parts = times.flatMap((ms, n) => remuxer.push(aacFrame(n), ms));
    const samples = fragmentsOf([...parts, ...remuxer.finish()]).flatMap((one) => one.samples);
    expect(samples.map(({ data }) => data[1])).toEqual([0, 1, 2, 2, 3, 4, 6]);
    expect(samples.map(({ duration }) => duration)).toEqual([1024, 1024, 1024, 43_057, 1024, 1024, 1024]);
    expect(remuxer.corrections).toEqual({ filled: 1, leftOut: 1 });
  });

  test('that belongs before the beginning is passed over', () => {
    const remuxer = audio(0, 1_000_000);
    const parts = Array.from({ length: 60 }, (_, n) => remuxer.push(aacFrame(n), Math.round((n * 1024_000) / 44_100))).flat();
    const [first] = fragmentsOf([...parts, ...remuxer.finish()]);
    expect([first?.baseDecodeTime, first?.samples[0]?.data[1]]).toEqual([44_100, 43]);
  });
});

const opus = encodeEnhanced('audio', { frameType: 0, packetType: enhancedPacket.sequenceStart, fourCc: 'Opus', payload: opusConfigOf() });
const av1Record = Uint8Array.of(0x81, 0x05, 0x0c, 0x00);
const av1 = encodeEnhanced('video', { frameType: 1, packetType: enhancedPacket.sequenceStart, fourCc: 'av01', payload: av1Record });
const vp9 = encodeEnhanced('video', { frameType: 1, packetType: enhancedPacket.sequenceStart, fourCc: 'vp09', payload: new Uint8Array(12) });
const mp3 = Uint8Array.of(0x2f, 0xff, 0xfb, 0x90, 0xc4, 0, 0);

test.each([
  ['video', av1, new Uint8Array(0), 'av01.0.05M.08', 90_000],
  ['audio', opus, new Uint8Array(0), 'opus', 48_000],
  ['audio', Uint8Array.of(0x2f), mp3, 'mp4a.6b', 44_100],
] as const)('a track of %s is announced', (kind, config, frame, codecs, timescale) => {
  expect(trackOf(kind, config, frame)).toMatchObject({ codecs, timescale });
});

test('what segments do not carry is known beforehand', () => {
  expect([canRemux('video', avcConfig), canRemux('video', av1), canRemux('video', vp9), canRemux('audio', opus), canRemux('audio', aacConfig)]).toEqual([
    true,
    true,
    false,
    true,
    true,
  ]);
  expect(() => trackOf('video', vp9)).toThrow(RemuxError);
});

test('any bytes at any times lead to fragments in order, within their bound, or to its own error', () => {
  const tag = fc.tuple(fc.uint8Array({ maxLength: 24 }), fc.integer({ min: 0, max: 4_000_000 }));
  const configs = fc.constantFrom(avcConfig, aacConfig, opus, av1, Uint8Array.of(0x2f), Uint8Array.of(0x17, 0, 0, 0, 0, 1), new Uint8Array(0));
  const arbitrary = fc.record({ kind: fc.constantFrom('video' as const, 'audio' as const), config: configs, tags: fc.array(tag, { maxLength: 40 }) });
  fc.assert(
    fc.property(arbitrary, ({ kind, config, tags }) => {
      let at = 0;
      const take = (parts: readonly RemuxPart[]): void => {
        for (const { baseDecodeTime, samples } of fragmentsOf(parts)) {
          expect(baseDecodeTime).toBeGreaterThanOrEqual(at);
          expect(samples.length).toBeLessThanOrEqual(fragmentFramesMax);
          at = samples.reduce((ticks, { duration }) => ticks + duration, baseDecodeTime);
        }
      };
      try {
        const remuxer = new Remuxer({ kind, config, offsetMs: 0, startUs: 0 });
        for (const [body, timestampMs] of tags) take(remuxer.push(body, timestampMs));
        take(remuxer.finish());
      } catch (error) {
        if (!(error instanceof RemuxError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
});
