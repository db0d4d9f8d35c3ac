import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseAacConfig } from './aac.codec.ts';
import { amfDepthMax, type AmfValue } from './amf.types.ts';
import { decodeAmf0, encodeAmf0, encodeAmf0Script } from './amf0.codec.ts';
import { parseAvcConfig } from './avc.codec.ts';
import { FlvReader } from './flv-reader.core.ts';
import { encodeFlvHeader, encodeTag, tagType, type FlvTag } from './flv-tag.codec.ts';
import { readAudioHeader, readVideoHeader } from './media-header.codec.ts';
import { decodeMetadata, encodeMetadata } from './metadata.codec.ts';
import { silenceOf } from './silence.codec.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Decoded objects have no prototype; JSON has no undefined. Both compare as plain data here. */
function plain(value: AmfValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([name, item]) => [name, plain(item as AmfValue)]));
}

const amfValue: fc.Arbitrary<AmfValue> = fc.letrec<{ value: AmfValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    fc.constant(null),
    fc.constant(undefined),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('AMF 0', () => {
  test('any value comes back', () => {
    fc.assert(
      fc.property(fc.array(amfValue, { maxLength: 5 }), (values) => expect(decodeAmf0(encodeAmf0(...values)).map(plain)).toEqual(values.map(plain))),
      { numRuns: 300 },
    );
  });

  test('a string longer than 65,535 bytes comes back', () => {
    expect(decodeAmf0(encodeAmf0('x'.repeat(70_000)))).toEqual(['x'.repeat(70_000)]);
  });

  test('types that only decoders need', () => {
    const date = [0x0b, ...new Uint8Array(encodeAmf0(1_700_000_000_000)).subarray(1), 0, 0];
    expect(decodeAmf0(Uint8Array.from(date))).toEqual([1_700_000_000_000]);
    expect(decodeAmf0(hex('0d'))).toEqual([undefined]);
    expect(decodeAmf0(hex('0f00000002783e'))).toEqual(['x>']);
    expect(plain(decodeAmf0(hex('10000241620001610101000009'))[0] as AmfValue)).toEqual(new Map([['a', true]]));
  });

  test('an ECMA array is read to its end marker, whatever count it claims', () => {
    const script = encodeAmf0Script('onMetaData', { width: 1 });
    script[script.indexOf(0x08) + 4] = 99;
    expect(plain(decodeAmf0(script)[1] as AmfValue)).toEqual(new Map([['width', 1]]));
  });

  test('a name such as __proto__ is only a name', () => {
    const value = decodeAmf0(hex('0300095f5f70726f746f5f5f030000090000' + '09'))[0] as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.keys(value)).toEqual(['__proto__']);
  });

  test.each([
    ['cut short', '00405e'],
    ['an unknown type', '04'],
    ['an AMF 3 value', '1104'],
    ['a reference', '070001'],
    ['a string beyond the end', '02ffff61'],
  ])('%s is invalid', (_name, bytes) => {
    expect(() => decodeAmf0(hex(bytes))).toThrow(expect.objectContaining({ code: 'AMF_INVALID' }));
  });

  test('depth and number of values are bounded', () => {
    const deep = (depth: number): Uint8Array => hex('0a00000001'.repeat(depth) + '05');
    expect(decodeAmf0(deep(amfDepthMax))).toHaveLength(1);
    expect(() => decodeAmf0(deep(amfDepthMax + 1))).toThrow(expect.objectContaining({ code: 'AMF_TOO_LARGE' }));
    expect(() => decodeAmf0(hex('0affffffff'))).toThrow(expect.objectContaining({ code: 'AMF_TOO_LARGE' }));
    expect(() => decodeAmf0(new Uint8Array(5000).fill(5))).toThrow(expect.objectContaining({ code: 'AMF_TOO_LARGE' }));
  });
});

describe('decoder configurations', () => {
  test('AVC, made by x264 at 1280x720, 30 frames/s', () => {
    const record = hex('0164001fffe1001b6764001facd940500' + '5bb011000000300100000030' + '3c0f183196001000668ebe3cb22c0');
    expect(parseAvcConfig(record)).toMatchObject({
      profile: 100,
      level: 31,
      width: 1280,
      height: 720,
      frameRate: 30,
      interlaced: false,
      nalLengthBytes: 4,
      codecs: 'avc1.64001f',
    });
  });

  test.each([
    [
      '0142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8',
      { width: 1920, height: 1080, frameRate: 25, interlaced: false, codecs: 'avc1.42c028' },
    ],
    [
      '0142c015ffe100166742c015da06c7f93c04400000fa40003a9803c58ba801000468ce0fc8',
      { width: 426, height: 240, frameRate: 30_000 / 1001, interlaced: false, codecs: 'avc1.42c015' },
    ],
    [
      '014d4020ffe10019674d4020f402805df97011000003000100000300641f162ea001000468de0fc8',
      { width: 1280, height: 720, frameRate: 50, interlaced: true, codecs: 'avc1.4d4020' },
    ],
  ])('AVC, made by x264, cropped or interlaced: %s', (bytes, expected) => {
    expect(parseAvcConfig(hex(bytes))).toMatchObject(expected);
  });

  test.each([
    ['nothing', ''],
    ['another version', '0264001fffe1'],
    ['no parameter set', '0164001fffe000'],
    ['a parameter set that is too long', '0164001fffe1ffff67'],
    ['a parameter set of another kind', '0164001fffe10001680100'],
    ['a parameter set cut short', '0164001fffe10004676400' + '1f010001' + '68'],
  ])('AVC with %s is invalid', (_name, bytes) => {
    expect(() => parseAvcConfig(hex(bytes))).toThrow(expect.objectContaining({ code: 'AVC_CONFIG_INVALID' }));
  });

  test.each([
    ['1190', { objectType: 2, sampleRate: 48000, channels: 2, codecs: 'mp4a.40.2' }],
    ['1208', { objectType: 2, sampleRate: 44100, channels: 1, codecs: 'mp4a.40.2' }],
    ['2b920800', { objectType: 5, sampleRate: 44100, channels: 2, codecs: 'mp4a.40.5' }],
    // The frequency written out, 24 bits.
    ['17805dc010', { objectType: 2, sampleRate: 48000, channels: 2, codecs: 'mp4a.40.2' }],
  ])('AAC %s', (bytes, expected) => {
    expect(parseAacConfig(hex(bytes))).toEqual(expected);
  });

  test.each([
    ['nothing', ''],
    ['a null object type', '0190'],
    ['a reserved frequency', '1698'],
    ['a reserved channel configuration', '11f8'],
  ])('AAC with %s is invalid', (_name, bytes) => {
    expect(() => parseAacConfig(hex(bytes))).toThrow(expect.objectContaining({ code: 'AAC_CONFIG_INVALID' }));
  });
});

describe('silence', () => {
  test.each([
    ['AAC, mono', 'af001208', 'af0100c80007', 1024 / 44.1],
    ['AAC, stereo', 'af001190', 'af012064000190000e', 1024 / 48],
    ['Opus without a header', '904f707573', '914f707573fcfffe', 20],
  ])('of %s', (_name, config, body, durationMs) => {
    const silence = silenceOf(hex(config));
    expect([Buffer.from(silence?.body ?? []).toString('hex'), silence?.durationMs]).toEqual([body, durationMs]);
  });

  test.each([
    ['MP3', '902e6d7033'],
    ['a layout of the stream itself', 'af001180'],
    ['a rate that nobody has', 'af00178000010810'],
    ['a broken configuration', 'af0011f8'],
  ])('is not made for %s', (_name, config) => {
    expect(silenceOf(hex(config))).toBeUndefined();
  });
});

describe('heads of media', () => {
  test.each([
    ['1700', { codec: 'avc', keyFrame: true, kind: 'sequence-header' }],
    ['1701', { codec: 'avc', keyFrame: true, kind: 'frames' }],
    ['2701', { codec: 'avc', keyFrame: false, kind: 'frames' }],
    ['2702', { codec: 'avc', keyFrame: false, kind: 'end-of-sequence' }],
    ['1c00', { codec: 'hevc', keyFrame: true, kind: 'frames' }],
    ['12', { codec: 'sorenson-h263', keyFrame: true, kind: 'frames' }],
    ['9068766331', { codec: 'hvc1', keyFrame: true, kind: 'sequence-header' }],
    ['a368766331', { codec: 'hvc1', keyFrame: false, kind: 'frames' }],
    ['a161763031', { codec: 'av01', keyFrame: false, kind: 'frames' }],
  ])('video %s', (bytes, expected) => {
    expect(readVideoHeader(hex(bytes))).toEqual(expected);
  });

  test.each([
    ['af00', { codec: 'aac', kind: 'sequence-header' }],
    ['af01', { codec: 'aac', kind: 'frames' }],
    ['2f', { codec: 'mp3', kind: 'frames' }],
    ['914f707573', { codec: 'Opus', kind: 'frames' }],
    ['902e6d7033', { codec: '.mp3', kind: 'sequence-header' }],
    ['d0', { codec: 'codec-13', kind: 'frames' }],
  ])('audio %s', (bytes, expected) => {
    expect(readAudioHeader(hex(bytes))).toEqual(expected);
  });
});

test('metadata comes back; what is not plausible is left out', () => {
  const metadata = { width: 1280, height: 720, frameRate: 29.97, videoKbps: 2500, audioKbps: 128, audioSampleRate: 48000, stereo: true, encoder: 'x' };
  expect(decodeMetadata(encodeMetadata(metadata))).toEqual(metadata);
  expect(decodeMetadata(encodeAmf0Script('onMetaData', { width: -1, height: 'tall', framerate: Number.NaN, encoder: 7 }))).toEqual({});
  expect(decodeMetadata(encodeAmf0Script('onCuePoint', {}))).toBeUndefined();
  expect(decodeMetadata(encodeAmf0('onMetaData', [1]))).toBeUndefined();
});

describe('FLV', () => {
  const tag: fc.Arbitrary<FlvTag> = fc.record({
    type: fc.constantFrom(tagType.audio, tagType.video, tagType.script),
    timestampMs: fc.integer({ min: 0, max: 0xffffffff }),
    body: fc.uint8Array({ maxLength: 300 }),
  });

  test.each([false, true])('tags come back, however the file is cut; bytes are kept: %s', (keepsBytes) => {
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 8 }), fc.integer({ min: 1, max: 500 }), (tags, pieceBytes) => {
        const file = Uint8Array.from([encodeFlvHeader({ audio: true, video: true }), ...tags.map(encodeTag)].flatMap((part) => [...part]));
        const reader = new FlvReader({ keepsBytes });
        const read: FlvTag[] = [];
        for (let at = 0; at < file.length; at += pieceBytes) read.push(...reader.push(file.subarray(at, at + pieceBytes)));
        // The last tag is complete with its body; its trailer is the prefix of the next.
        expect(read).toEqual(tags);
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['other bytes', '474554202f20485454502f312e', 'FLV_INVALID'],
    ['another version', '464c5602050000000900000000', 'FLV_INVALID'],
    ['an unknown header size', '464c5601050000000a00000000', 'FLV_INVALID'],
    ['an unknown tag type', '464c560105000000090000000007000001000000000000' + '0000', 'FLV_INVALID'],
    ['an encrypted tag', '464c560105000000090000000029000001000000000000' + '0000', 'FLV_INVALID'],
  ])('%s is refused', (_name, bytes, code) => {
    expect(() => new FlvReader().push(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  test('a tag over the bound is refused before any of it is kept', () => {
    const file = Uint8Array.from([
      ...encodeFlvHeader({ audio: false, video: true }),
      ...encodeTag({ type: tagType.video, timestampMs: 0, body: new Uint8Array(101) }),
    ]);
    expect(() => new FlvReader({ tagBytesMax: 100 }).push(file)).toThrow(expect.objectContaining({ code: 'FLV_TAG_TOO_LARGE' }));
  });
});
