import { describe, expect, test } from '@jest/globals';
import { renderMpd, type Manifest } from '#core/dash';
import { readInit, readSegment } from './media.ts';
import { numbersOf, readMpd, secondsOf } from './mpd.ts';
import { judgeMpd } from './mpd-walker.ts';
import { readXml } from './xml.ts';

const clockMs = 1_790_000_000_000;
const track = { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720, sampleRate: undefined, channels: undefined };

/** What we render of the segments from one number to another. */
function rendered(from: number, to: number, change: Partial<Manifest> = {}): string {
  const segments = Array.from({ length: to - from }, (_, at) => ({
    ...{ mediaSequence: from + at, initCid: 'i', startUs: (from + at) * 2e6, durationUs: 2e6, track },
    ...{ startTicks: (from + at) * 180_000, durationTicks: 180_000 },
  }));
  const about = { kind: 'video' as const, frameRate: 30, codecs: 'avc1.64001f', width: 1280, height: 720, channels: undefined, isMade: true };
  return renderMpd({
    renditions: [
      { ...about, name: '720p', bandwidth: 3_000_000, segments },
      { ...about, name: '240p', bandwidth: 500_000, segments },
    ],
    beginnings: [{ mediaSequence: 0, startUs: 0, programDateTimeMs: clockMs, inits: {} }],
    ...{ segmentDurationMs: 2000, dvrWindowMs: 3_600_000, ended: false, timeUrl: '../time', ...change },
  });
}

const listed = rendered(7, 10);
const later = rendered(8, 11);
const lowLatency = { chunkUs: 500_000, edgeUs: 20_000_000, nowMs: clockMs + 20_500 };
const counted = rendered(7, 10, { lowLatency });

function found(after: string, before?: string): string[] {
  const violations = new Set<string>();
  judgeMpd({ violations }, before === undefined ? undefined : readMpd(before), readMpd(after));
  return [...violations].map((violation) => violation.split(' ')[0] as string);
}

describe('the walker of manifests', () => {
  test('finds nothing in what is right', () => {
    for (const [after, before] of [[listed], [counted], [later, listed], [rendered(8, 11, { lowLatency }), counted], [rendered(0, 11, { ended: true }), later]])
      expect(found(after as string, before)).toEqual([]);
  });

  test.each<[string, string, string | RegExp, string]>([
    ['5.3.1.2', listed, 'urn:mpeg:dash:schema:mpd:2011', 'urn:other'],
    ['5.3.1.2', listed, / minBufferTime="\w+"/, ''],
    ['5.3.1.2', listed, / availabilityStartTime="[^"]+"/, ''],
    ['5.3.1.2', listed, 'maxSegmentDuration="PT2S"', 'maxSegmentDuration="PT1.9S"'],
    ['5.4', listed, / minimumUpdatePeriod="\w+"/, ''],
    ['5.3.1.2', rendered(0, 3, { ended: true }), 'type="static"', 'type="static" minimumUpdatePeriod="PT2S"'],
    ['5.8.5.7', listed, /<UTCTiming[^>]*>/, ''],
    ['5.3.1.3', listed, /(<UTCTiming[^>]*>)/, '$1<ServiceDescription/>'],
    ['5.3.2.2', listed, '<Period id="p0"', '<Period'],
    ['5.3.2.1', listed, /<AdaptationSet.*<\/AdaptationSet>/, ''],
    ['5.3.3.2', listed, /(<AdaptationSet.*<\/AdaptationSet>)/, '$1$1'],
    ['5.3.3.3', listed, /(<Role[^>]*>)(<SegmentTemplate.*?<\/SegmentTemplate>)/, '$2$1'],
    ['5.3.5.2', listed, 'id="240p"', 'id="720p"'],
    ['5.3.5.2', listed, 'bandwidth="500000"', 'bandwidth="0.5"'],
    ['5.3.7.2', listed, 'mimeType="video/mp4"', 'mimeType="audio/mp4"'],
    ['5.3.7.2', listed, / codecs="[^"]+"/, ''],
    ['5.3.7.2', listed, / frameRate="\d+"/, ''],
    ['5.3.9.4.2', listed, '$Number$', '7'],
    ['5.3.9.4.2', listed, / initialization="[^"]+"/, ''],
    ['5.3.9.2.2', listed, 'timescale="90000"', 'timescale="90000" duration="180000"'],
    ['5.3.9.2.2', counted, 'startNumber="0"', 'startNumber="5" endNumber="4"'],
    ['5.3.9.6.1', listed, '<S t="1260000" d="180000" r="2"/>', '<S t="1260000" d="180000"/><S t="1430000" d="180000"/>'],
    ['5.3.9.6.1', listed, 'presentationTimeOffset="0"', 'presentationTimeOffset="1350000"'],
    ['5.3.9.5.1', counted, 'availabilityTimeOffset="1.5"', 'availabilityTimeOffset="2"'],
    ['5.3.9.5.1', listed, 'timescale="90000"', 'timescale="90000" availabilityTimeComplete="false"'],
    ['K.3.2', counted, 'target="2000"', 'target="4000000"'],
    ['K.3.2', counted, 'referenceId="0"', 'referenceId="1"'],
    ['K.3.2', counted, 'min="0.95"', 'min="1.05"'],
  ])('finds what %s forbids', (clause, text, what, instead) => {
    const wrong = text.replace(what, instead);
    expect(wrong).not.toBe(text);
    expect(found(wrong)).toContain(clause);
  });

  test.each<[string, string, string]>([
    ['5.3.1.2', listed, later],
    ['5.4', later, rendered(0, 11, { ended: true })],
    ['5.4', later.replace('start="PT0S"', 'start="PT1S"'), listed],
    ['5.4', later.replace('Period id="p0"', 'Period id="q0"'), listed],
    ['5.4', later.replaceAll('avc1.64001f', 'avc1.64001e'), listed],
    ['5.4', later.replace('../media/i.mp4', '../media/j.mp4'), listed],
    ['5.4', later.replace('t="1440000"', 't="1440001"'), listed],
    // A segment in the middle is gone, and one is not listed any more although the window has not left it.
    ['5.4', rendered(7, 9), listed],
    ['5.4', rendered(8, 11, { lowLatency }).replace('startNumber="0"', 'startNumber="1"'), counted],
    ['5.4', rendered(8, 11, { lowLatency }), counted.replace('startNumber="0"', 'startNumber="0" endNumber="9"')],
  ])('finds what %s forbids of an update', (clause, after, before) => expect(found(after, before)).toContain(clause));

  test('representations that are aligned have the same segments', () => {
    const [head = '', rest = ''] = listed.split('<Representation id="240p"');
    const own = rest
      .replace('<SegmentTemplate', '<SegmentTemplate timescale="90000" startNumber="7"')
      .replace(/(<SegmentTemplate[^>]*)\/>/, '$1><SegmentTimeline><S t="1260000" d="170000" r="2"/></SegmentTimeline></SegmentTemplate>');
    expect(found(`${head}<Representation id="240p"${own}`)).toContain('5.3.3.2');
  });

  test('reads entries, numbers and durations as clients do', () => {
    const template = readMpd(listed).periods[0]?.sets[0]?.representations[0]?.template;
    expect(template?.initialization).toBe('../../media/i.mp4');
    expect([...numbersOf(template as never, 0)].map(([number, { time }]) => [number, time])).toEqual([
      [7, 1_260_000],
      [8, 1_440_000],
      [9, 1_620_000],
    ]);
    const countedTemplate = readMpd(counted).periods[0]?.sets[0]?.representations[0]?.template;
    expect([...numbersOf(countedTemplate as never, 3.9).keys()]).toEqual([0]);
    expect([...numbersOf(countedTemplate as never, 4).keys()]).toEqual([0, 1]);
    expect(['PT1H2M3.5S', 'PT0S', 'PT', '2S', undefined].map(secondsOf)).toEqual([3723.5, 0, NaN, NaN, NaN]);
  });

  test.each(['<a><b></a></b>', '<a>', '<a/><b/>', 'a', '<a b="1" b="2"/>', '<a b=1/>', '<a>&what;</a>', '<a>a & b</a>'])('%s is not well-formed', (text) =>
    expect(() => readXml(text)).toThrow('XML 1.0'),
  );

  test('text and attributes are read plain', () => {
    const { attributes, text } = readXml('<?xml version="1.0"?>\n<a b="&quot;&#252;&#x1F600;">1 &lt; 2</a>\n');
    expect([attributes.get('b'), text]).toEqual(['"ü😀', '1 < 2']);
  });
});

describe('a segment', () => {
  const box = (type: string, ...parts: ReadonlyArray<Uint8Array | readonly number[]>): Uint8Array => {
    const body = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length + 8);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, body]);
  };
  const words = (...values: readonly number[]): Uint8Array => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
    return bytes;
  };
  const fragment = (time: number, tfhd: Uint8Array, trun: Uint8Array): Uint8Array =>
    box('moof', box('traf', box('tfhd', tfhd), box('tfdt', words(0x01_00_00_00, 0, time)), box('trun', trun)));

  test('begins where its first fragment does, and lasts as long as all of its samples', () => {
    const init = box('moov', box('trak', box('mdia', box('mdhd', words(0, 0, 0, 48_000, 0, 0)))), box('mvex', box('trex', words(0, 1, 1, 1024, 0, 0))));
    expect(readInit(init)).toEqual({ timescale: 48_000, sampleDuration: 1024 });
    // Three samples as the file says, two as the fragment says, and two that say it themselves, with their sizes.
    const bytes = Buffer.concat([
      box('styp', words(0)),
      fragment(96_000, words(0, 1), words(0x1, 3, 0)),
      fragment(99_072, words(0x8, 1, 500), words(0x1, 2, 0)),
      fragment(100_072, words(0, 1), words(0x301, 2, 0, 100, 9, 200, 9)),
    ]);
    expect(readSegment(bytes, 1024)).toEqual({ time: 96_000, duration: 3 * 1024 + 1000 + 300 });
    expect(readSegment(box('styp', words(0)), 1024)).toBeUndefined();
    expect(() => readSegment(words(4, 0), 1024)).toThrow('section 4.2');
  });
});
