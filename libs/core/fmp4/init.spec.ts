import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteQueue } from './byte-queue.core.ts';
import { Fmp4Error } from './errors.ts';
import { parseFragment } from './fragment.core.ts';
import { parseMoov, type TrackInit } from './init.core.ts';

const bytes32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const chars = (text: string): number[] => [...text].map((one) => one.charCodeAt(0));
const box = (type: string, ...body: ReadonlyArray<readonly number[]>): number[] => {
  const flat = body.flat();
  return [...bytes32(8 + flat.length), ...chars(type), ...flat];
};

const videoEntry = (type: string, ...boxes: number[][]): number[] => box(type, zeros(24), [5, 0, 2, 208], zeros(50), ...boxes);
const audioEntry = (...boxes: number[][]): number[] => box('mp4a', zeros(16), [0, 2], zeros(6), [0xbb, 0x80, 0, 0], ...boxes);
const avcC = box('avcC', [1, 0x64, 0, 0x1f, 0xff]);

interface MoovChange {
  readonly entry?: number[];
  readonly handler?: string;
  readonly version?: 0 | 1;
  readonly timescale?: number;
  readonly trex?: number[];
}

function moov({ entry = videoEntry('avc1', avcC), handler = 'vide', version = 0, timescale = 90_000, trex = bytes32(7) }: MoovChange = {}): Uint8Array {
  const times = zeros(version === 1 ? 16 : 8);
  const tkhd = box('tkhd', [version, 0, 0, 7], times, bytes32(7), zeros(20));
  const mdhd = box('mdhd', [version, 0, 0, 0], times, bytes32(timescale), zeros(8));
  const stsd = box('stsd', zeros(4), bytes32(1), entry);
  const mdia = box('mdia', mdhd, box('hdlr', zeros(8), chars(handler), zeros(13)), box('minf', box('stbl', stsd)));
  const defaults = [...bytes32(1), ...bytes32(3000), ...bytes32(99), ...bytes32(0x0101_0000)];
  return Uint8Array.from([...box('trak', tkhd, mdia), ...box('mvex', box('trex', zeros(4), trex, defaults))]);
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

describe('moov', () => {
  test.each([0, 1] as const)('version %d of the headers', (version) => {
    expect(parseMoov(moov({ version }))).toEqual({
      trackId: 7,
      timescale: 90_000,
      kind: 'video',
      codecs: 'avc1.64001f',
      width: 1280,
      height: 720,
      defaults: { duration: 3000, size: 99, flags: 0x0101_0000 },
    });
  });

  const decoderConfig = (objectType: number, ...specific: number[]): number[] => {
    const config = [objectType, ...zeros(12), ...(specific.length > 0 ? [5, specific.length, ...specific] : [])];
    return [4, config.length, ...config];
  };
  const esds = (flags: number, extra: number[], config: number[]): number[] => {
    const es = [0, 1, flags, ...extra, ...config];
    // The length in four bytes, as some muxers write it.
    return box('esds', zeros(4), [3, 0x80, 0x80, 0x80, es.length, ...es]);
  };

  test.each([
    ['AAC-LC', esds(0, [], decoderConfig(0x40, 0x11, 0x90)), 'mp4a.40.2'],
    ['an object type above 31', esds(0, [], decoderConfig(0x40, 0xf9, 0x40)), 'mp4a.40.42'],
    ['every optional field', esds(0xe0, [0, 9, 2, 65, 66, 0, 9], decoderConfig(0x40, 0x11, 0x90)), 'mp4a.40.2'],
    ['MP3', esds(0, [], decoderConfig(0x6b)), 'mp4a.6b'],
    ['no descriptor', [], 'mp4a'],
  ])('audio: %s', (_what, descriptor, codecs) => {
    expect(parseMoov(moov({ handler: 'soun', entry: audioEntry(descriptor) }))).toMatchObject({ kind: 'audio', codecs, channels: 2, sampleRate: 48_000 });
  });

  test.each([
    ['parameter sets in the stream', { entry: videoEntry('avc3', avcC) }, 'avc3.64001f'],
    ['a codec that is only named', { entry: videoEntry('vp09') }, 'vp09'],
    ['H.265', { entry: videoEntry('hvc1', box('hvcC', [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 90])) }, 'hvc1.1.6.L90.90'],
    ['AV1', { entry: videoEntry('av01', box('av1C', [0x81, 0x05, 0x0c, 0])) }, 'av01.0.05M.08'],
  ])('video: %s', (_what, change, codecs) => expect(parseMoov(moov(change)).codecs).toBe(codecs));

  test.each<[string, MoovChange, string]>([
    ['a time scale of zero', { timescale: 0 }, 'FMP4_INVALID'],
    ['subtitles', { handler: 'text' }, 'FMP4_UNSUPPORTED'],
    ['no sample entry', { entry: [] }, 'FMP4_INVALID'],
    ['no defaults for the track', { trex: bytes32(8) }, 'FMP4_INVALID'],
    ['H.265 without its configuration', { entry: videoEntry('hev1') }, 'FMP4_INVALID'],
    ['AVC without its configuration', { entry: videoEntry('avc1') }, 'FMP4_INVALID'],
    ['a descriptor of another kind', { handler: 'soun', entry: audioEntry(box('esds', zeros(4), [9, 1, 0])) }, 'FMP4_INVALID'],
    ['a descriptor longer than its box', { handler: 'soun', entry: audioEntry(box('esds', zeros(4), [3, 60, 0])) }, 'FMP4_INVALID'],
  ])('%s is refused', (_what, change, code) => expect(codeOf(() => parseMoov(moov(change)))).toBe(code));
});

describe('moof', () => {
  const track: TrackInit = parseMoov(moov());
  const tfhd = (flags: number, ...fields: number[]): number[] => box('tfhd', [0, 0, 0, flags], bytes32(7), ...fields.map(bytes32));
  const tfdt = (version: number, time: number[]): number[] => box('tfdt', [version, 0, 0, 0], time);
  const moof = (...traf: number[][]): Uint8Array => Uint8Array.from(box('moof', box('mfhd', zeros(8)), box('traf', ...traf)));
  const mdat = new Uint8Array(20);

  test('defaults come from the track, then the fragment, then the run', () => {
    const run = box('trun', [0, 0, 2, 4], bytes32(2), bytes32(0x0200_0000), bytes32(6), bytes32(8));
    const fragment = parseFragment(track, moof(tfhd(0x08, 512), tfdt(0, bytes32(77)), run), mdat, 8);
    expect(fragment.baseDecodeTime).toBe(77);
    expect(fragment.samples.map(({ duration, flags, data }) => [duration, flags, data.length, data.byteOffset])).toEqual([
      [512, 0x0200_0000, 6, 0],
      [512, 0x0101_0000, 8, 6],
    ]);
  });

  test('a second run goes on where the first ended', () => {
    const run = (size: number): number[] => box('trun', [0, 0, 2, 0], bytes32(1), bytes32(size));
    const { samples } = parseFragment(track, moof(tfhd(0x02, 1), tfdt(1, [...zeros(4), ...bytes32(5)]), run(3), run(4)), mdat, 8);
    expect(samples.map(({ data }) => data.byteOffset)).toEqual([0, 3]);
  });

  test.each([
    ['another track', [box('tfhd', zeros(4), bytes32(8)), tfdt(0, bytes32(0))], 'FMP4_INVALID'],
    ['data addressed from the file', [tfhd(0x01, 0, 0), tfdt(0, bytes32(0))], 'FMP4_UNSUPPORTED'],
    ['a time beyond 2^53', [tfhd(0), tfdt(1, [...bytes32(0xffffffff), ...bytes32(0)])], 'FMP4_UNSUPPORTED'],
    ['no time', [tfhd(0)], 'FMP4_INVALID'],
    ['a sample outside', [tfhd(0), tfdt(0, bytes32(0)), box('trun', [0, 0, 2, 0], bytes32(1), bytes32(21))], 'FMP4_INVALID'],
    ['samples before the data', [tfhd(0), tfdt(0, bytes32(0)), box('trun', [0, 0, 2, 1], bytes32(1), bytes32(0), bytes32(1))], 'FMP4_INVALID'],
    ['too many samples', [tfhd(0x10, 0), tfdt(0, bytes32(0)), box('trun', zeros(4), bytes32(10_001))], 'FMP4_TOO_LARGE'],
  ])('%s is refused', (_what, traf, code) => expect(codeOf(() => parseFragment(track, moof(...traf), mdat, 8))).toBe(code));

  test('a fragment of two tracks is refused', () => {
    const two = Uint8Array.from(box('moof', box('traf'), box('traf')));
    expect(codeOf(() => parseFragment(track, two, mdat, 8))).toBe('FMP4_UNSUPPORTED');
  });
});

test('a queue gives back what was put in, however it is cut', () => {
  const step = fc.oneof(fc.record({ take: fc.nat(40) }), fc.record({ skip: fc.nat(40) }), fc.record({ put: fc.uint8Array({ maxLength: 30 }) }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new ByteQueue();
      let model: number[] = [];
      for (const one of steps) {
        if ('put' in one) {
          queue.push(one.put);
          model.push(...one.put);
        } else if ('take' in one) {
          expect(queue.peek(one.take)).toEqual(queue.length < one.take ? undefined : Uint8Array.from(model.slice(0, one.take)));
          const taken = queue.take(one.take);
          expect(taken === undefined).toBe(model.length < one.take);
          if (taken !== undefined) {
            expect([...taken]).toEqual(model.slice(0, one.take));
            model = model.slice(one.take);
          }
        } else {
          expect(queue.skip(one.skip)).toBe(Math.min(one.skip, model.length));
          model = model.slice(one.skip);
        }
        expect(queue.length).toBe(model.length);
      }
    }),
  );
});
