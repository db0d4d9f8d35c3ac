import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeAmf0, encodeAmf0Script, tagType, type AmfObject } from '#core/flv';
import { checkData, streamMarked } from '#events';
import { CuePace } from './cue-pace.core.ts';
import { cueBytesMax, readCue, type CueReading } from './cue-point.core.ts';
import { CueTap, type HeardCue } from './cue-tap.core.ts';
import { spliceProblem, spliceSectionOf } from '#core/scte35';

const cue = (said: AmfObject, name = 'onCuePoint'): CueReading | undefined => readCue(encodeAmf0Script(name, said));
const attribute = (name: string, value: string, isNumber = false) => ({ name, value, isNumber });

/** splice_insert of 60 s, out of network, after SCTE 35 section 14.2; and one back into it. */
const out = '/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=';
const hexOut = `0x${Buffer.from(out, 'base64').toString('hex').toUpperCase()}`;

describe('what encoders say about a moment', () => {
  test.each<[string, CueReading | undefined, object]>([
    [
      'a cue point of Flash Media Live Encoder: parameters stand beside the rest',
      cue({ name: 'goal', time: 12.5, type: 'event', parameters: { player: 'No. 9', minute: 34, name: 'later' } }),
      {
        class: 'onCuePoint',
        attributes: [
          attribute('NAME', 'goal'),
          attribute('TIME', '12.5', true),
          attribute('TYPE', 'event'),
          attribute('PLAYER', 'No. 9'),
          attribute('MINUTE', '34', true),
        ],
      },
    ],
    [
      'SCTE 35 as AWS Elemental writes it: the section leaves the attributes, and tells direction and length',
      cue({ name: 'scte35', parameters: { messageData: out } }),
      { scte35Out: hexOut, scte35In: null, scte35Cmd: null, plannedDurationMs: 60_294, attributes: [attribute('NAME', 'scte35')] },
    ],
    ['a break with its length in seconds', cue({ name: 'adbreak', parameters: { duration: 30 } }), { plannedDurationMs: 30_000 }],
    [
      'text of ffmpeg',
      cue({ type: 'Text', text: 'He said "no"\nand left' }, 'onTextData'),
      { class: 'onTextData', attributes: [attribute('TYPE', 'Text'), attribute('TEXT', "He said 'no' and left")] },
    ],
    [
      'names that no playlist could hold',
      cue({ 'a b/c': true, big: 1e30 }, 'onUserDataEvent'),
      { attributes: [attribute('A-B-C', 'true'), attribute('BIG', '1e+30')] },
    ],
    [
      'what stands too deep to be an attribute is left out',
      cue({ name: 'goal', parameters: { place: { x: 1 }, scorers: [9], minute: 34 } }),
      { attributes: [attribute('NAME', 'goal'), attribute('MINUTE', '34', true)] },
    ],
    ['ID3 as text', readCue(encodeAmf0('onID3', 'SUQzBAAA')), { class: 'onID3', attributes: [attribute('VALUE', 'SUQzBAAA')] }],
  ])('%s', (_what, reading, meaning) => {
    expect(reading).toMatchObject({ kind: 'cue', meaning });
  });

  test.each<[string, Uint8Array, string, string]>([
    ['no AMF', Uint8Array.of(...encodeAmf0('onCuePoint'), 3, 0, 200), 'malformed', 'AMF'],
    ['nothing', encodeAmf0('onCuePoint'), 'malformed', 'says nothing'],
    ['an object without properties', encodeAmf0Script('onCuePoint', {}), 'malformed', 'no properties'],
    ['a list', encodeAmf0('onTextData', [1, 2]), 'malformed', 'list'],
    ['what is nested twice', encodeAmf0Script('onCuePoint', { a: { b: { c: 1 } } }), 'malformed', 'no properties'],
    ['a section that is none', encodeAmf0Script('onCuePoint', { name: 'scte35', data: '/DAvAAAA' }), 'malformed', 'SCTE 35'],
    ['a text beyond measure', encodeAmf0Script('onCuePoint', { text: 'x'.repeat(600) }), 'too-large', '512'],
    ['properties beyond measure', encodeAmf0Script('onCuePoint', Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`p${at}`, at]))), 'too-large', '32'],
    ['bytes beyond measure', encodeAmf0Script('onCuePoint', { text: 'x'.repeat(cueBytesMax) }), 'too-large', `${cueBytesMax}`],
  ])('%s is refused with its reason', (_what, body, reason, detail) => {
    expect(readCue(body)).toMatchObject({ kind: 'refused', reason, detail: expect.stringContaining(detail) });
  });

  test.each([encodeAmf0Script('onMetaData', { width: 1 }), encodeAmf0Script('onFI', { sd: '01-01-2026' }), new Uint8Array(0), Uint8Array.of(2, 0, 9)])(
    'what is no cue is none: %#',
    (body) => expect(readCue(body)).toBeUndefined(),
  );

  test('whatever comes is a marker that fits the catalogue, or is refused', () => {
    const scalar = fc.oneof(fc.string({ maxLength: 60 }), fc.double(), fc.boolean(), fc.constant(null));
    const object = fc.dictionary(fc.string({ maxLength: 80 }), fc.oneof(scalar, fc.dictionary(fc.string({ maxLength: 8 }), scalar, { maxKeys: 4 })), {
      maxKeys: 6,
    });
    fc.assert(
      fc.property(object, fc.uint8Array({ maxLength: 40 }), (said, noise) => {
        for (const body of [encodeAmf0Script('onCuePoint', said as AmfObject), Uint8Array.of(...encodeAmf0('onCuePoint'), ...noise)]) {
          const reading = readCue(body);
          if (reading?.kind !== 'cue') continue;
          const marker = { streamId: 'st-a', markerId: 'cue-1', startMs: 1, durationMs: null, endsOnNext: false, origin: 'publisher', ...reading.meaning };
          expect(() => checkData(streamMarked, marker)).not.toThrow();
        }
      }),
    );
  });
});

describe('SCTE 35', () => {
  test('base64 and hexadecimal are the same section', () => {
    expect(spliceSectionOf(out)).toEqual({ hex: hexOut, direction: 'out', breakMs: 60_294 });
    expect(spliceSectionOf(hexOut)).toEqual(spliceSectionOf(out));
  });

  test('back into the programme, and any other command', () => {
    const bytes = Buffer.from(out, 'base64');
    const flags = bytes[19] ?? 0;
    bytes[19] = flags & 0x7f;
    expect(spliceSectionOf(bytes.toString('base64'))?.direction).toBe('in');
    bytes[13] = 6;
    expect(spliceSectionOf(bytes.toString('base64'))).toMatchObject({ direction: 'command', breakMs: undefined });
  });

  test.each(['', 'hello', 'aGVsbG8gd29ybGQ=', '0xFC', out.slice(4), `${out.slice(0, 20)}`])('%s is none', (text) =>
    expect(spliceSectionOf(text)).toBeUndefined(),
  );

  test.each<[string, string, RegExp | undefined]>([
    ['as an encoder writes it', hexOut, undefined],
    ['whose CRC was left out', `${hexOut.slice(0, -8)}00000000`, undefined],
    ['of another table', hexOut.replace('0xFC', '0xFD'), /begins with 0xFC/],
    ['of two bytes', '0xFC30', /at least 17 bytes; this has 2/],
    ['that was cut', hexOut.slice(0, -2), /says 50 bytes; it has 49/],
    ['with something behind it', `${hexOut}00`, /says 50 bytes; it has 51/],
    ['of which one bit was changed', hexOut.replace('F0140548', 'F0140549'), /CRC/],
  ])('a section %s', (_what, hex, problem) => {
    const found = spliceProblem(hex);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});

describe('cues as they arrive', () => {
  const tag = (timestampMs: number, name = 'onCuePoint') => ({ type: tagType.script, timestampMs, body: encodeAmf0Script(name, { name: 'x' }) });

  test('have a place each, also where two come at once', () => {
    const tap = new CueTap();
    tap.hear([tag(1000), tag(1000), tag(1500), tag(1500, 'onMetaData')]);
    expect(tap.take().map(({ atMs, index }) => [atMs, index])).toEqual([
      [1000, 0],
      [1000, 1],
      [1500, 0],
    ]);
    expect(tap.take()).toEqual([]);
  });

  test('those of long ago were told of the publisher before', () => {
    const tap = new CueTap();
    tap.hear([tag(1000), tag(9000), { type: tagType.audio, timestampMs: 10_500, body: Uint8Array.of(0xaf, 1) }]);
    expect(tap.take().map(({ atMs }) => atMs)).toEqual([9000]);
  });

  test('come at a pace; refusals are told together, and not all the time', () => {
    const heard = (reading: CueReading | undefined): HeardCue => ({ atMs: 0, index: 0, reading: reading as CueReading });
    const [good, bad] = [heard(cue({ name: 'x' })), heard(readCue(encodeAmf0('onCuePoint')))];
    const pace = new CuePace(0);
    expect(Array.from({ length: 12 }, () => pace.admits(good, 0))).toEqual([...Array.from({ length: 10 }, () => true), false, false]);
    expect(pace.refusals(0)).toEqual({ cue: 'onCuePoint', reason: 'too-many', detail: expect.any(String), refused: 2 });
    expect(pace.admits(good, 1000)).toBe(true);
    for (let at = 0; at < 5; at++) pace.admits(bad, 1000);
    expect([pace.refusals(5000), pace.refusals(10_000)]).toEqual([
      undefined,
      { cue: 'onCuePoint', reason: 'malformed', detail: 'It says nothing.', refused: 5 },
    ]);
    expect(pace.refusals(99_999)).toBeUndefined();
  });
});
