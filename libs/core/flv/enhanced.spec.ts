import { describe, expect, test } from '@jest/globals';
import { Prng } from '#kernel';
import { decodeAmf0, encodeAmf0Script } from './amf0.codec.ts';
import { parseAv1Config } from './av1.codec.ts';
import { canonicalBody, encodeFurther, trackBodyOf } from './canonical-body.codec.ts';
import { opusConfigOf, parseFlacConfig, parseOpusConfig, parseVp9Config } from './codec-config.codec.ts';
import { encodeEnhanced, parseEnhanced, tracksMax } from './enhanced-header.codec.ts';
import { FlvError } from './errors.ts';
import { parseHevcConfig } from './hevc.codec.ts';
import { audioPayloadStart, readAudioHeader, readVideoHeader, videoPayload } from './media-header.codec.ts';
import { decodeMetadata } from './metadata.codec.ts';
import { pictureOf } from './picture.codec.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');
const invalid = (code: string): unknown => expect.objectContaining({ code });

/** x265 3.5 at 426x240. */
const hevc = hex(
  '0101600000009000000000003cf000fcfdf8f800000f04200001001840010c01ffff01600000030090000003000003003c959809210001002b42010101600000030090000003000003003ca00d880f1c9e5959a4932bc05a02000003000200000300321022000100074401c172b46240',
);
/** libaom 3.6 at 642x362, and FFmpeg 8 at 980x540. */
const av1 = ['81010c000a0b0000000cc5036936be4010', '812400000a0e20000024cfa70dbfff3404340080'].map(hex);
const opus = hex('4f707573486561640101380180bb0000000000');
const flac = hex('664c614380000022120012000004170004de0ac440f0000044e89439695cd2ddf00b36d1bcf843b27f89');
const vp9 = hex('01000000 00 1f 80 02 02 02 0000');

describe('extended heads', () => {
  test.each<[string, 'video' | 'audio', string, object]>([
    ['HEVC, sequence start', 'video', '90 68766331 0102', { frameType: 1, packetType: 0, nanoOffset: 0 }],
    ['HEVC, coded frames', 'video', 'a1 68766331 000021 01', { frameType: 2, packetType: 1 }],
    ['a metadata frame, as FFmpeg 8 sends it', 'video', 'd4 61763031 020009', { packetType: 4, isMetadata: true }],
    ['a seek', 'video', 'd1 00', { tracks: [] }],
    ['Opus channels, as FFmpeg 8 sends them', 'audio', '94 4f707573 010100000004', { packetType: 4, isMetadata: false }],
    ['a nanosecond offset', 'video', 'a7 02 0f423f 01 61763031 ff', { packetType: 1, nanoOffset: 999_999 }],
    ['a modifier nobody knows, then an offset', 'audio', '97 00 ff f7 02 000001 01 4f707573 fc', { packetType: 1, nanoOffset: 1 }],
    ['a modifier of 257 bytes', 'audio', `97 ff 0100 ${'00'.repeat(257)} f1 4f707573 fc`, { packetType: 1, nanoOffset: 0 }],
  ])('%s', (_name, kind, bytes, expected) => {
    expect(parseEnhanced(hex(bytes), kind)).toMatchObject(expected);
  });

  test.each<[string, 'video' | 'audio', string, Array<[number, string, string]>]>([
    ['one', 'video', '96 01 68766331 03 aabb', [[3, 'hvc1', 'aabb']]],
    [
      'many of one codec',
      'audio',
      '95 11 4f707573 00 000001 aa 01 000002 bbcc',
      [
        [0, 'Opus', 'aa'],
        [1, 'Opus', 'bbcc'],
      ],
    ],
    [
      'many of many codecs',
      'video',
      '96 21 61766331 00 000001 aa 68766331 02 000000',
      [
        [0, 'avc1', 'aa'],
        [2, 'hvc1', ''],
      ],
    ],
  ])('tracks: %s', (_name, kind, bytes, tracks) => {
    const parsed = parseEnhanced(hex(bytes), kind);
    expect(parsed.isMultitrack).toBe(true);
    expect(parsed.tracks.map(({ id, fourCc, payload }) => [id, fourCc, text(payload)])).toEqual(tracks);
  });

  test.each<[string, 'video' | 'audio', string]>([
    ['nothing behind the first byte', 'video', '90'],
    ['half a FourCC', 'video', '90 6876'],
    ['a reserved packet type', 'video', '98 68766331'],
    ['a modifier that is not all there', 'video', '97 05 00'],
    ['a modifier without what follows it', 'audio', '97 00 00'],
    ['an offset of a millisecond', 'video', 'a7 02 0f4240 01 61763031'],
    ['an offset of two bytes', 'video', 'a7 01 0000 01 61763031'],
    ['a track that is longer than the message', 'audio', '95 11 4f707573 00 000009 aa'],
    ['a reserved multitrack type', 'video', '96 31 61766331 00'],
    ['tracks within tracks', 'video', '96 06 61766331 00'],
    ['too many tracks', 'video', `96 11 61766331 ${'00000000'.repeat(tracksMax + 1)}`],
  ])('%s is refused', (_name, kind, bytes) => {
    expect(() => parseEnhanced(hex(bytes), kind)).toThrow(invalid('ENHANCED_HEADER_INVALID'));
  });
});

describe('one shape for all', () => {
  test.each<[string, 'video' | 'audio', string, string | undefined]>([
    ['H.264 in the extended head', 'video', '91 61766331 000021 aa', '17 01 000021 aa'],
    ['H.264 without composition time', 'video', 'a3 61766331 aa', '27 01 000000 aa'],
    ['its configuration', 'video', '90 61766331 01', '17 00 000000 01'],
    ['its end', 'video', '92 61766331', '17 02 000000'],
    ['HEVC as number 12 of the classic head', 'video', '1c 01 000021 aa', '91 68766331 000021 aa'],
    ['its configuration', 'video', '1c 00 000000 01', '90 68766331 01'],
    ['HEVC with an offset', 'video', 'a7 02 000001 03 68766331 aa', 'a3 68766331 aa'],
    ['the first of two tracks', 'video', '96 11 68766331 00 000004 000000aa 01 000001 bb', '91 68766331 000000aa'],
    ['another track alone', 'video', '96 01 68766331 01 bb', undefined],
    ['AAC in the extended head', 'audio', '91 6d703461 aa', 'af 01 aa'],
    ['its configuration', 'audio', '90 6d703461 1190', 'af 00 1190'],
    ['a seek', 'video', 'd1 00', undefined],
  ])('%s', (_name, kind, bytes, expected) => {
    expect(text(canonicalBody(hex(bytes), kind).body)).toBe(expected?.replaceAll(' ', ''));
  });

  test('tells of further tracks and hands out metadata', () => {
    const { further } = canonicalBody(hex('96 11 68766331 00 000001 aa 02 000001 bb'), 'video');
    expect(further).toEqual([{ id: 2, fourCc: 'hvc1', frameType: 1, packetType: 1, payload: hex('bb') }]);
    const colours = 'd4 61763031 020009636f6c6f72496e666f 03000b636f6c6f72436f6e666967 0500 0009';
    const { metadata } = canonicalBody(hex(colours), 'video');
    expect(decodeAmf0(metadata as Uint8Array)[0]).toBe('colorInfo');
  });

  test('payloads stand where they are looked for', () => {
    const payload = Uint8Array.of(0xff, 0xff, 0xfe, 9);
    const body = encodeEnhanced('video', { frameType: 1, packetType: 1, fourCc: 'hvc1', payload });
    expect(videoPayload(body)).toEqual({ start: 8, compositionMs: -2 });
    expect(videoPayload(encodeEnhanced('video', { frameType: 1, packetType: 1, fourCc: 'av01', payload }))).toEqual({ start: 5, compositionMs: 0 });
    expect(videoPayload(hex('27 01 000021'))).toEqual({ start: 5, compositionMs: 33 });
    expect([hex('af01'), hex('2f'), hex('914f707573')].map(audioPayloadStart)).toEqual([2, 1, 5]);
  });
});

describe('further tracks', () => {
  test.each<[string, 'video' | 'audio', string, string, string]>([
    ['H.264 out of many', 'video', 'a6 11 61766331 00 000004 000000aa 03 000004 000021bb', 'a6 01 61766331 03 000021bb', '27 01 000021 bb'],
    ['HEVC out of many codecs', 'video', '96 20 61766331 00 000001 aa 68766331 02 000001 cc', '96 00 68766331 02 cc', '90 68766331 cc'],
    ['AAC alone', 'audio', '95 01 6d703461 01 aabb', '95 01 6d703461 01 aabb', 'af 01 aabb'],
    ['Opus beside another codec', 'audio', '95 21 6d703461 00 000001 aa 4f707573 07 000001 bb', '95 01 4f707573 07 bb', '91 4f707573 bb'],
  ])('%s is handed on alone, and read as if it were the first', (_name, kind, bytes, alone, body) => {
    const [track] = canonicalBody(hex(bytes), kind).further;
    const handed = encodeFurther(kind, track as Parameters<typeof encodeFurther>[1]);
    expect(text(handed)).toBe(alone.replaceAll(' ', ''));
    expect(trackBodyOf(handed, kind)).toEqual({ track: track?.id, body: hex(body) });
    // Whoever knows of no tracks passes it over.
    expect((kind === 'video' ? readVideoHeader : readAudioHeader)(handed).kind).toBe('other');
  });

  test('a body of the first track is itself; what ends a track is no media', () => {
    const first = hex('27 01 000000 aa');
    expect(trackBodyOf(first, 'video')).toEqual({ track: 0, body: first });
    expect(trackBodyOf(hex('95 02 6d703461 01'), 'audio')).toBeUndefined();
  });

  test('have a picture of their own, and what the publisher says of them', () => {
    const head = encodeFurther('video', { id: 4, fourCc: 'hvc1', frameType: 1, packetType: 0, payload: hevc });
    expect(pictureOf(head)).toMatchObject({ width: 426, height: 240 });
    const videoTrackIdInfoMap = { 1: { width: 1280, height: 720, videodatarate: 2800, framerate: 30 }, 0: { width: 1 }, x: { width: 2 }, 3: 'nothing' };
    const audioTrackIdInfoMap = {
      1: { audiodatarate: 96, language: 'de-AT' },
      2: { language: 'not a language"' },
      0: { language: 'en', title: ' The "original"\n' },
    };
    expect(decodeMetadata(encodeAmf0Script('onMetaData', { width: 1920, videoTrackIdInfoMap, audioTrackIdInfoMap }))).toEqual({
      width: 1920,
      videoTracks: { 0: { width: 1 }, 1: { width: 1280, height: 720, videoKbps: 2800, frameRate: 30 } },
      audioTracks: { 0: { language: 'en', name: 'The original' }, 1: { audioKbps: 96, language: 'de-AT' }, 2: {} },
    });
    expect(decodeMetadata(encodeAmf0Script('onMetaData', { videoTrackIdInfoMap: [1, 2], audioTrackIdInfoMap: null }))).toEqual({});
  });
});

describe('configurations by real encoders', () => {
  test('say what the picture and the sound are', () => {
    expect(parseHevcConfig(hevc)).toEqual({ profile: 1, level: 60, width: 426, height: 240, interlaced: false, nalLengthBytes: 4 });
    expect(av1.map(parseAv1Config)).toEqual([
      { profile: 0, width: 642, height: 362 },
      { profile: 1, width: 980, height: 540 },
    ]);
    expect(parseAv1Config(hex('81000c00'))).toEqual({ profile: 0, width: 0, height: 0 });
    expect(parseOpusConfig(opus)).toEqual({ sampleRate: 48_000, channels: 1 });
    expect(parseOpusConfig(opusConfigOf())).toEqual({ sampleRate: 48_000, channels: 2 });
    expect(parseFlacConfig(flac)).toEqual({ sampleRate: 44_100, channels: 1 });
    expect(parseVp9Config(vp9)).toEqual({ profile: 0, level: 31 });
  });

  test.each<[string, (bytes: Uint8Array) => unknown, Uint8Array, string]>([
    ['HEVC', parseHevcConfig, hevc, 'HEVC_CONFIG_INVALID'],
    ['AV1', parseAv1Config, av1[0] as Uint8Array, 'AV1_CONFIG_INVALID'],
    ['Opus', parseOpusConfig, opus, 'OPUS_CONFIG_INVALID'],
    ['FLAC', parseFlacConfig, flac, 'FLAC_CONFIG_INVALID'],
    ['VP9', parseVp9Config, vp9, 'VP9_CONFIG_INVALID'],
  ])('%s: cut short or damaged they end in their own error or in a value, never otherwise', (_name, parse, sample, code) => {
    const prng = new Prng(0x265);
    const ends = new Set<string>();
    for (let run = 0; run < 600; run++) {
      const bytes = sample.slice(0, run % 3 === 0 ? prng.nextInteger(0, sample.length) : sample.length);
      for (let i = 0; i < 3 && bytes.length > 0; i++) bytes[prng.nextInteger(0, bytes.length - 1)] = prng.nextUint32() & 0xff;
      try {
        parse(bytes);
        ends.add('value');
      } catch (error) {
        if (!(error instanceof FlvError)) throw error;
        ends.add(error.code);
      }
    }
    expect(ends).toContain(code);
    expect(ends.size).toBeLessThanOrEqual(2);
  });
});

describe('AMF 3 behind the switch marker', () => {
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

  test.each<[string, string, unknown]>([
    ['undefined', '1100', null],
    ['null', '1101', null],
    ['false and true', '1102 1103', [false, true]],
    ['a small integer', '11047f', 127],
    ['a negative one', '1104ffffffff', -1],
    ['the greatest', '1104bfffffff', 268_435_455],
    ['a double', '110540091eb851eb851f', 3.14],
    ['a string', '110605 6869', 'hi'],
    ['a date', '110801 4278e0d4a4f40000', expect.any(Number)],
    ['bytes', '110c05 0102', [1, 2]],
    ['a list', '110905 01 0401 0402', [1, 2]],
    ['a list with names', '110903 03 61 0401 01 0402', { 0: 2, a: 1 }],
    ['an object with members of its class', '110a13 01 03 61 0401', { a: 1 }],
    ['an object like those of Flash', '110a0b 01 07 617070 0609 6c697665 01', { app: 'live' }],
    ['a string by its number', '110a0b 01 03 61 0605 6869 03 62 0602 01', { a: 'hi', b: 'hi' }],
    ['traits by their number', '110905 01 0a13 01 03 61 0401 0a01 0402', [{ a: 1 }, { a: 2 }]],
    ['an object by its number', '110905 01 0a0b 01 01 0a02', [{}, {}]],
  ])('%s', (_name, bytes, expected) => {
    const values = decodeAmf0(hex(bytes));
    expect(plain(values.length === 1 ? values[0] : values)).toEqual(expected);
  });

  test('AMF 0 goes on behind a value', () => {
    expect(decodeAmf0(hex('02000161 1104 05 0101'))).toEqual(['a', 5, true]);
  });

  test.each([
    ['cut short', '1106', 'AMF_INVALID'],
    ['an unknown type', '110d', 'AMF_INVALID'],
    ['a string that is not there', '110602', 'AMF_INVALID'],
    ['an object that is not there', '110a02', 'AMF_INVALID'],
    ['an externalizable object', '110a07 01', 'AMF_INVALID'],
    ['a list without end', '1109ffffffff', 'AMF_TOO_LARGE'],
    ['a class of a million members', '110affffffb3', 'AMF_TOO_LARGE'],
    ['nesting without end', `11${'090301'.repeat(20)}`, 'AMF_TOO_LARGE'],
  ])('%s is refused', (_name, bytes, code) => {
    expect(() => decodeAmf0(hex(bytes))).toThrow(invalid(code));
  });

  test('a value that refers to itself is one, and a name such as __proto__ is only a name', () => {
    const [own] = decodeAmf0(hex('110a0b 01 03 61 0a00 01')) as [Record<string, unknown>];
    expect(own['a']).toBe(own);
    const [proto] = decodeAmf0(hex('110a0b 01 13 5f5f70726f746f5f5f 0401 01')) as [object];
    expect([Object.getPrototypeOf(proto), Object.keys(proto)]).toEqual([null, ['__proto__']]);
  });
});
