import { missingSegment } from './missing-segment.core.ts';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Fmp4Error, Fmp4Splitter, isSync, writeFragment, type Fmp4Part, type Fragment, type TrackInit } from './index.ts';

/** Files of a real encoder, small; the fuzzers start from them. */
const corpus = Object.fromEntries(
  ['video-64x36', 'audio-stereo', 'audio-mp3-sidx', 'two-tracks'].map((name) => [
    name,
    new Uint8Array(readFileSync(new URL(`../../../../libs/core/fmp4/corpus/${name}.mp4`, import.meta.url))),
  ]),
) as Record<string, Uint8Array>;

const budget = { boxBytesMax: 1_000_000 };

function split(bytes: Uint8Array, chunkBytes = bytes.length): Fmp4Part[] {
  const splitter = new Fmp4Splitter(budget);
  const parts: Fmp4Part[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) parts.push(...splitter.push(bytes.subarray(at, at + chunkBytes)));
  return parts;
}

function tracksAndFragments(parts: readonly Fmp4Part[]): { track: TrackInit; fragments: Fragment[] } {
  const init = parts[0];
  if (init?.kind !== 'init') throw new Error('no initialisation segment');
  return { track: init.track, fragments: parts.flatMap((part) => (part.kind === 'fragment' ? [part.fragment] : [])) };
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    if (error instanceof Fmp4Error) return error.code;
    throw error;
  }
}

function box(type: string, body: readonly number[]): Uint8Array {
  const size = 8 + body.length;
  return Uint8Array.from([size >>> 24, size >>> 16, size >>> 8, size, ...[...type].map((c) => c.charCodeAt(0)), ...body]);
}

describe('splitter', () => {
  test('video: track, codec string, samples with key frames where fragments begin', () => {
    const { track, fragments } = tracksAndFragments(split(corpus['video-64x36'] as Uint8Array));
    expect(track).toMatchObject({ kind: 'video', codecs: 'avc1.4d400a', width: 64, height: 36 });
    expect(fragments).toHaveLength(4);
    for (const { samples } of fragments) expect(samples.map(isSync)).toEqual([true, false, false, false, false]);
    const starts = fragments.map(({ baseDecodeTime }) => baseDecodeTime / track.timescale);
    expect(starts).toEqual([0, 0.5, 1, 1.5]);
  });

  test('audio: track, codec string, every sample is a sync sample', () => {
    const { track, fragments } = tracksAndFragments(split(corpus['audio-stereo'] as Uint8Array));
    expect(track).toMatchObject({ kind: 'audio', codecs: 'mp4a.40.2', sampleRate: 48000, channels: 2, timescale: 48000 });
    expect(fragments.flatMap(({ samples }) => samples).every(isSync)).toBe(true);
    expect(fragments.flatMap(({ samples }) => samples.map(({ duration }) => duration)).slice(0, 10)).toEqual(Array(10).fill(1024));
  });

  test('sidx and styp are passed over; MPEG-2 layer 3 is named by its object type', () => {
    const { track, fragments } = tracksAndFragments(split(corpus['audio-mp3-sidx'] as Uint8Array));
    expect(track.codecs).toBe('mp4a.69');
    expect(fragments.length).toBeGreaterThan(1);
  });

  test.each(['video-64x36', 'audio-stereo', 'audio-mp3-sidx'])('%s: any chunking gives the same parts', (name) => {
    const whole = split(corpus[name] as Uint8Array);
    for (const chunkBytes of [1, 7, 333]) expect(split(corpus[name] as Uint8Array, chunkBytes)).toEqual(whole);
  });

  test('the initialisation segment is ftyp and moov, byte for byte', () => {
    const bytes = corpus['video-64x36'] as Uint8Array;
    const init = split(bytes)[0] as Fmp4Part & { kind: 'init' };
    expect(init.bytes).toEqual(bytes.subarray(0, init.bytes.length));
  });

  test('a 64-bit size is a size', () => {
    const bytes = corpus['audio-stereo'] as Uint8Array;
    const wide = Uint8Array.from([0, 0, 0, 1, ...[...'free'].map((c) => c.charCodeAt(0)), 0, 0, 0, 0, 0, 0, 0, 20, 9, 9, 9, 9]);
    expect(split(Uint8Array.from([...wide, ...bytes]))).toEqual(split(bytes));
  });

  test.each([
    ['two tracks in one file', () => split(corpus['two-tracks'] as Uint8Array), 'FMP4_UNSUPPORTED'],
    ['a box without an end', () => split(Uint8Array.from([0, 0, 0, 0, 109, 100, 97, 116])), 'FMP4_UNSUPPORTED'],
    ['a box smaller than its header', () => split(Uint8Array.from([0, 0, 0, 7, 109, 111, 111, 118])), 'FMP4_INVALID'],
    ['a box over the budget', () => split(Uint8Array.from([0, 0x7f, 0, 0, 109, 111, 111, 118])), 'FMP4_TOO_LARGE'],
    ['a fragment before the moov', () => split(box('moof', [])), 'FMP4_INVALID'],
    ['a moov without ftyp', () => split(box('moov', [])), 'FMP4_INVALID'],
    ['an mdat without moof', () => split(box('mdat', [1])), 'FMP4_INVALID'],
  ])('%s is refused', (_what, act, code) => expect(codeOf(act)).toBe(code));

  test('fuzz: a damaged file is read or refused with a typed error, whatever the damage and the chunking', () => {
    const damage = fc.record({
      name: fc.constantFrom(...Object.keys(corpus)),
      flips: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      cut: fc.option(fc.tuple(fc.nat(), fc.nat(64))),
      chunkBytes: fc.integer({ min: 1, max: 4096 }),
    });
    const codes = new Set<string>();
    fc.assert(
      fc.property(damage, ({ name, flips, cut, chunkBytes }) => {
        const source = corpus[name] as Uint8Array;
        let bytes = source.slice();
        // Most damage goes where the structure is.
        for (const [at, value] of flips) bytes[at % Math.min(bytes.length, at % 2 === 0 ? 1200 : bytes.length)] = value;
        if (cut !== null) {
          const at = cut[0] % bytes.length;
          bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + cut[1])]);
        }
        codes.add(codeOf(() => split(bytes, chunkBytes)));
      }),
      { numRuns: 400 },
    );
    expect(codes).toContain('FMP4_INVALID');
  });

  test('memory: an endless mdat is refused before it is buffered', () => {
    const splitter = new Fmp4Splitter(budget);
    const head = (corpus['audio-stereo'] as Uint8Array).subarray(0, 1000);
    splitter.push(head);
    expect(splitter.pendingBytes).toBeLessThanOrEqual(1000);
    expect(codeOf(() => new Fmp4Splitter(budget).push(Uint8Array.from([0xff, 0, 0, 0, 109, 100, 97, 116])))).toBe('FMP4_TOO_LARGE');
  });
});

describe('writer', () => {
  test.each(['video-64x36', 'audio-stereo'])('%s: what is written reads back as it was', (name) => {
    const bytes = corpus[name] as Uint8Array;
    const { track, fragments } = tracksAndFragments(split(bytes));
    const init = (split(bytes)[0] as Fmp4Part & { kind: 'init' }).bytes;
    const written = fragments.map((fragment, index) => writeFragment({ ...fragment, sequence: index + 1, trackId: track.trackId }));
    const again = tracksAndFragments(split(Uint8Array.from([init, ...written].flatMap((part) => [...part]))));
    expect(again.fragments).toEqual(fragments);
  });

  test('every mixture of equal and differing durations, flags and offsets reads back', () => {
    const { track } = tracksAndFragments(split(corpus['video-64x36'] as Uint8Array));
    const init = (split(corpus['video-64x36'] as Uint8Array)[0] as Fmp4Part & { kind: 'init' }).bytes;
    const sample = fc.record({
      duration: fc.constantFrom(512, 1024, 1),
      flags: fc.constantFrom(0x0200_0000, 0x0101_0000),
      compositionOffset: fc.constantFrom(0, -512, 1024),
      data: fc.uint8Array({ maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 6 }), fc.maxSafeNat(), (samples, baseDecodeTime) => {
        const written = writeFragment({ sequence: 5, trackId: track.trackId, baseDecodeTime, samples });
        const splitter = new Fmp4Splitter(budget);
        splitter.push(init);
        expect(splitter.push(written)).toEqual([{ kind: 'fragment', fragment: { baseDecodeTime, samples } }]);
      }),
    );
  });

  test('nothing to write is a broken invariant', () => {
    expect(() => writeFragment({ sequence: 1, trackId: 1, baseDecodeTime: 0, samples: [] })).toThrow('a fragment has samples');
  });
});

test('a segment without media is a box that says so, and one with nothing in it', () => {
  expect(Buffer.from(missingSegment()).toString('latin1')).toBe('\0\0\0\u0014stypmsdh\0\0\0\0mcnt\0\0\0\u0008mdat');
});
