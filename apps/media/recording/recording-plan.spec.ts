import { describe, expect, test } from '@jest/globals';
import { clipBounds, reaches, type DatedSegment } from './clip-plan.core.ts';
import { languageCode } from './language-code.ts';
import { concatList, muxArguments, planRecording, posterArguments, posterMs, readProbe, type StoredSegment } from './recording-plan.core.ts';

const renditions = [
  { name: '240p', kind: 'video', bandwidth: 300 },
  { name: '720p', kind: 'video', bandwidth: 2500 },
  { name: 'audio', kind: 'audio', bandwidth: 128 },
] as const;

function segments(rendition: string, sequences: readonly number[], more: Partial<StoredSegment> = {}): readonly StoredSegment[] {
  return sequences.map((mediaSequence) => {
    const times = { startUs: mediaSequence * 2_000_000, durationUs: 2_000_000 };
    return {
      rendition,
      mediaSequence,
      cid: `${rendition}-${mediaSequence}`,
      sizeBytes: 100,
      initCid: `init-${rendition}`,
      initSizeBytes: 10,
      ...times,
      ...more,
    };
  });
}

const all = [0, 1, 2, 3];
const namesOf = (plan: ReturnType<typeof planRecording>): readonly string[] =>
  plan.kind === 'tracks' ? plan.tracks.map(({ rendition }) => rendition) : [plan.kind];

describe('what a recording is made of', () => {
  const whole = renditions.flatMap(({ name }) => segments(name, all));
  test.each([
    ['the best picture and the sound', whole, 1e9, ['720p', 'audio']],
    ['the picture that has what the best one lacks', [...segments('720p', [0]), ...segments('240p', all), ...segments('audio', all)], 1e9, ['240p', 'audio']],
    ['sound alone', segments('audio', all), 1e9, ['audio']],
    ['picture alone', segments('240p', [2]), 1e9, ['240p']],
    ['nothing, of nothing', [], 1e9, ['nothing']],
    [
      'a smaller picture where the best is too large',
      [...segments('720p', all, { sizeBytes: 1000 }), ...segments('240p', all), ...segments('audio', all)],
      2000,
      ['240p', 'audio'],
    ],
    ['nothing, when all are too large', whole, 100, ['too-large']],
  ] as const)('%s', (_, stored, bytesMax, expected) => {
    expect(namesOf(planRecording(renditions, stored, bytesMax))).toEqual(expected);
  });

  const german = { name: 'audio-1', kind: 'audio', bandwidth: 128, language: 'de', label: 'Deutsch' } as const;
  const french = { ...german, name: 'audio-2', language: 'fr' };
  test.each([
    ['all, also one that was there for a part of the time', [], 1e9, ['720p', 'audio', 'audio-1', 'audio-2']],
    ['fewer, where they would not fit', [], 1300, ['720p', 'audio', 'audio-1']],
    ['a smaller picture, where not even the first one would', segments('720p', all, { sizeBytes: 1000 }), 1300, ['240p', 'audio', 'audio-1']],
  ])('of its sounds %s', (_, others, bytesMax, expected) => {
    const stored = [...(others.length > 0 ? others : segments('720p', all)), ...segments('240p', all), ...segments('audio', all)];
    const plan = planRecording([french, ...renditions, german], [...stored, ...segments('audio-2', [2]), ...segments('audio-1', all)], bytesMax);
    expect(namesOf(plan)).toEqual(expected);
    expect(plan.kind === 'tracks' && plan.tracks[2]).toMatchObject({ language: 'de', label: 'Deutsch' });
  });

  const inFormat = (sampleRate: number, codecs = 'mp4a.40.2', channels = 2): Partial<StoredSegment> => ({
    initCid: `${codecs}-${sampleRate}`,
    codecs,
    sampleRate,
    channels,
  });
  const cd = { sampleRate: 44_100, channels: 2 };
  const common = { sampleRate: 48_000, channels: 2 };
  test.each([
    ['as it is where it has one', inFormat(44_100), inFormat(44_100), [undefined]],
    ['as it is where an encoder that began anew has the same', inFormat(44_100), { ...inFormat(44_100), initCid: 'anew' }, [undefined, undefined]],
    ['encoded to that of the most of it where it changes', inFormat(44_100), inFormat(48_000), [undefined, cd]],
    ['encoded to the common one where most of it is no AAC', inFormat(48_000, 'opus'), inFormat(48_000), [common, common]],
    ['encoded to the common one where nobody announced any', {}, { initCid: 'other' }, [common, common]],
  ] as const)('a sound is in one format from end to end: %s', (_, most, least, expected) => {
    const stored = ['audio', 'audio-1'].flatMap((name) => [...segments(name, [0, 1, 2], most), ...segments(name, [3, 4], least)]);
    const plan = planRecording([...renditions, german], stored, 1e9);
    const tracks = plan.kind === 'tracks' ? plan.tracks : [];
    expect(tracks.map(({ runs }) => runs.map(({ encodedAs }) => encodedAs))).toEqual([expected, expected]);
    expect(tracks.map((track) => track.segments)).toEqual([5, 5]);
  });

  test('segments are in order; another initialisation begins another run, and gaps between runs stay', () => {
    const stored = [...segments('240p', [7, 6], { initCid: 'second' }), ...segments('240p', [1, 0])];
    const plan = planRecording(renditions, stored, 1e9);
    const runs = plan.kind === 'tracks' ? (plan.tracks[0]?.runs ?? []) : [];
    expect(runs.map(({ initCid, segments: some, startUs, spanUs }) => [initCid, some.map(({ mediaSequence }) => mediaSequence), startUs, spanUs])).toEqual([
      ['init-240p', [0, 1], 0, 12_000_000],
      ['second', [6, 7], 12_000_000, undefined],
    ]);
    expect(concatList(runs, (at) => `video-${at}.mp4`)).toBe("ffconcat version 1.0\nfile 'video-0.mp4'\nduration 12.000000\nfile 'video-1.mp4'\n");
  });
});

test('tracks are laid side by side from where each begins, named, without encoding', () => {
  const line = muxArguments(
    [
      { kind: 'video', path: 'v', startUs: 0 },
      { kind: 'audio', path: 'a', startUs: 21_333, language: 'en' },
      { kind: 'audio', path: 'b', startUs: 0, language: 'de-CH', label: 'Deutsch' },
    ],
    'out.mp4',
  ).join(' ');
  expect(line).toContain('-itsoffset 0.021333 -f concat -safe 0 -i a -itsoffset 0.000000 -f concat -safe 0 -i b -map 0:0 -map 1:0 -map 2:0 -c copy');
  expect(line).toContain('-metadata:s:a:0 language=eng -disposition:a:0 default');
  expect(line).toContain('-metadata:s:a:1 language=deu -metadata:s:a:1 handler_name=Deutsch -disposition:a:1 0');
  expect(line).toMatch(/-movflags \+faststart -f mp4 out\.mp4$/);
  expect(posterArguments('in.mp4', posterMs(1000), 'p.jpg').join(' ')).toContain('-ss 0.500 -i in.mp4 -frames:v 1');
});

test.each([
  ['de', 'deu'],
  ['pt-BR', 'por'],
  ['gsw', 'gsw'],
  ['xx', undefined],
  ['x-own', undefined],
  [undefined, undefined],
])('the language %s is %s in MP4', (tag, code) => expect(languageCode(tag)).toBe(code));

test('what ffprobe says is read; a file that does not play is none', () => {
  const streams = [
    { codec_type: 'video', codec_name: 'h264', width: 1280, height: 720 },
    { codec_type: 'audio', codec_name: 'aac' },
  ];
  expect(readProbe(JSON.stringify({ format: { duration: '12.0345' }, streams }))).toEqual({
    durationMs: 12_035,
    videoCodec: 'h264',
    audioCodec: 'aac',
    width: 1280,
    height: 720,
  });
  expect(readProbe(JSON.stringify({ format: { duration: '1' }, streams: streams.slice(1) }))).toMatchObject({ videoCodec: null, width: 0 });
  for (const text of ['{}', '{"format":{"duration":"0"},"streams":[{}]}', '{"format":{"duration":"1"}}']) expect(() => readProbe(text)).toThrow(RangeError);
});

describe('a piece', () => {
  const segment = (mediaSequence: number, rendition = '720p'): DatedSegment => ({
    ...{ rendition, mediaSequence, cid: `c${mediaSequence}`, sizeBytes: 10, initCid: 'i', initSizeBytes: 1 },
    ...{ startUs: mediaSequence * 2_000_000, durationUs: 2_000_000, programDateTimeMs: 10_000 + mediaSequence * 2000 },
  });
  const all = [0, 1, 2, 3, 4].map((at) => segment(at));

  test('is the segments that have any of it, from key frame to key frame', () =>
    expect(clipBounds(all, 13_000, 16_500)).toEqual({ first: 1, last: 3, fromMs: 12_000, untilMs: 18_000 }));
  test('on a boundary nothing more is taken', () => expect(clipBounds(all, 12_000, 14_000)).toMatchObject({ first: 1, last: 1 }));
  test('of what is not there is nothing', () => expect(clipBounds(all, 90_000, 95_000)).toBeUndefined());
  test('reaches its end once the last of it is stored', () => expect([reaches(all, 20_000), reaches(all, 20_001)]).toEqual([true, false]));
});
