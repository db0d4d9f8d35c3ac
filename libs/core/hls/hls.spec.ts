import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { renderMedia, renderMultivariant, targetDurationOf, type PlaylistRendition, type PlaylistSegment } from './index.ts';

function segment(mediaSequence: number, change: Partial<PlaylistSegment> = {}): PlaylistSegment {
  return {
    mediaSequence,
    cid: `seg${mediaSequence}`,
    initCid: 'init0',
    durationUs: 2_000_000,
    startUs: mediaSequence * 2_000_000,
    programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000,
    discontinuity: false,
    ...change,
  };
}

const live = { targetDurationSec: 2, discontinuitySequence: 0, ended: false };

describe('media playlist', () => {
  test('a live window', () => {
    expect(renderMedia({ ...live, segments: [segment(7), segment(8, { durationUs: 2_002_000 })] })).toBe(
      `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12
#EXT-X-MAP:URI="../../media/init0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:34.000Z
#EXTINF:2.000000,
../../media/seg7.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:36.000Z
#EXTINF:2.002000,
../../media/seg8.m4s
`,
    );
  });

  test('a recording over two sessions: discontinuity, new initialisation, end', () => {
    const segments = [segment(0), segment(1, { durationUs: 1_300_000 }), segment(2, { discontinuity: true, initCid: 'init1' })];
    expect(renderMedia({ ...live, segments, ended: true })).toBe(
      `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="../../media/init0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z
#EXTINF:2.000000,
../../media/seg0.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:22.000Z
#EXTINF:1.300000,
../../media/seg1.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../../media/init1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:24.000Z
#EXTINF:2.000000,
../../media/seg2.m4s
#EXT-X-ENDLIST
`,
    );
  });

  test('a hole in the numbering becomes gap entries that share the missing time', () => {
    const text = renderMedia({ ...live, segments: [segment(3), segment(6, { startUs: 11_000_000 })] });
    expect(text).toContain(
      `seg3.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:28.000Z
#EXT-X-GAP
#EXTINF:1.500000,
gap.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:29.500Z
#EXT-X-GAP
#EXTINF:1.500000,
gap.m4s
#EXT-X-PROGRAM-DATE-TIME`,
    );
  });

  test('a hole that the timeline does not show lasts a target duration', () => {
    expect(renderMedia({ ...live, segments: [segment(3), segment(5, { startUs: 8_000_000 })] })).toContain('#EXT-X-GAP\n#EXTINF:2.000000,');
  });

  test('a wider window is filled with gaps at both ends', () => {
    const text = renderMedia({ ...live, segments: [segment(4)], window: { first: 3, last: 6 } });
    expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:3\n');
    expect(text.match(/#EXT-X-GAP/g)).toHaveLength(3);
  });

  test('a number seen twice is listed once', () => {
    expect(renderMedia({ ...live, segments: [segment(1), segment(1), segment(2)] }).match(/#EXTINF/g)).toHaveLength(2);
  });

  test('before the first segment there is a header and nothing else', () => {
    expect(renderMedia({ ...live, segments: [] })).not.toContain('#EXTINF');
  });

  test('a corrupt number cannot render without bound', () => {
    expect(renderMedia({ ...live, segments: [segment(0), segment(1e9)] }).match(/#EXT-X-GAP/g)).toHaveLength(1000);
  });
});

const range = (from: number, to: number): PlaylistSegment[] => Array.from({ length: to - from }, (_, at) => segment(from + at));

/** What a client has that joins a delta update to the playlist that it had (section 6.3.7): the update's header, and all segments. */
function joined(before: string, update: string): string {
  const skip = /#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)\n/.exec(update);
  if (skip === null) return update;
  const first = (text: string): number => Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]);
  const [head = '', tail = ''] = update.split(skip[0]);
  const entries = before.split(/(?<=\n[^#\n]\S*\n)/);
  const [start = ''] = entries;
  const header = start.split('\n').filter((line) => /^#EXT(M3U|-X-(VERSION|TARGET|MEDIA-SEQ|DISCONTINUITY-SEQ|INDEP|SERVER|START))/.test(line));
  const body = [start.slice(header.join('\n').length + 1), ...entries.slice(1)];
  const dropped = first(update) - first(before);
  return `${head}${body.slice(dropped, dropped + Number(skip[1])).join('')}${tail}`;
}

describe('delta updates', () => {
  test('what is older than six target durations is one line', () => {
    const text = renderMedia({ ...live, segments: range(100, 7300), skip: true });
    expect(text).toContain('#EXT-X-VERSION:9\n');
    expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:100\n');
    expect(text).toContain('#EXT-X-SKIP:SKIPPED-SEGMENTS=7194\n#EXT-X-PROGRAM-DATE-TIME');
    expect(text.match(/#EXTINF/g)).toHaveLength(6);
  });

  test('where nothing is old enough, and of a recording, everything is sent', () => {
    for (const list of [
      { ...live, segments: range(0, 6) },
      { ...live, segments: range(0, 600), ended: true },
    ])
      expect(renderMedia({ ...list, skip: true })).toBe(renderMedia(list));
  });

  test('joined to the playlist before, it is the playlist of now, whatever holes and breaks there are', () => {
    const stream = fc.record({
      missing: fc.uniqueArray(fc.integer({ min: 1, max: 78 }), { maxLength: 20 }),
      breaks: fc.uniqueArray(fc.integer({ min: 1, max: 79 }), { maxLength: 8 }),
      then: fc.integer({ min: 20, max: 70 }),
      first: fc.integer({ min: 0, max: 10 }),
      // Section 6.3.7: who asks has a playlist that is no older than half the skip boundary.
      newer: fc.integer({ min: 0, max: 3 }),
      removed: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(stream, ({ missing, breaks, then, first, newer, removed }) => {
        const shown = (from: number, to: number) => ({
          ...live,
          predecessor: range(0, from).findLast(({ mediaSequence }) => !missing.includes(mediaSequence)),
          segments: range(from, to + 1).flatMap((one) =>
            missing.includes(one.mediaSequence) ? [] : [{ ...one, initCid: `init${breaks.filter((at) => at <= one.mediaSequence).length}` }],
          ),
          discontinuities: new Set(breaks),
          discontinuitySequence: breaks.filter((at) => at < from).length,
          window: { first: from, last: to },
        });
        const before = renderMedia(shown(first, then));
        const now = shown(first + removed, then + newer);
        // A client that joins sees the initialisation of a removed first segment no more; the full list names it anew.
        const plain = (text: string): string => text.replaceAll(/#EXT-X-VERSION:\d+\n|#EXT-X-MAP\S+\n/g, '');
        expect(plain(joined(before, renderMedia({ ...now, skip: true })))).toBe(plain(renderMedia(now)));
      }),
    );
  });
});

test('a break is told where a rendition has a gap alone, so that all renditions count alike', () => {
  const text = renderMedia({ ...live, segments: [segment(3), segment(6)], discontinuities: new Set([5]) });
  expect(text).toContain('#EXT-X-GAP\n#EXTINF:2.000000,\ngap.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP');
  expect(text.match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(1);
});

test.each([0, 90, -600])('players are told to begin at %d s in both kinds of playlist', (startSec) => {
  for (const text of [renderMedia({ ...live, segments: range(0, 3), startSec }), renderMultivariant({ renditions: [audio], startSec })])
    expect(text).toContain(`\n#EXT-X-START:TIME-OFFSET=${startSec}\n`);
});

test('an I-frame playlist names the key frame that each segment begins with, and counts as the segments do', () => {
  const keyFrames = [
    { offset: 0, sizeBytes: 41_000 },
    { offset: 90_000, sizeBytes: 1 },
  ];
  const segments = [segment(3, { keyFrames }), segment(4), segment(5, { keyFrames: [{ offset: 12, sizeBytes: 7 }] })];
  expect(renderMedia({ ...live, segments, ended: true, iFrames: true })).toBe(
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:3
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-I-FRAMES-ONLY
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="../../media/init0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:26.000Z
#EXTINF:2.000000,
#EXT-X-BYTERANGE:41000@0
../../media/seg3.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:28.000Z
#EXT-X-GAP
#EXTINF:2.000000,
gap.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:30.000Z
#EXTINF:2.000000,
#EXT-X-BYTERANGE:7@12
../../media/seg5.m4s
#EXT-X-ENDLIST
`,
  );
});

const rung = (name: string, height: number, bandwidth: number, averageBandwidth?: number): PlaylistRendition => ({
  name,
  kind: 'video',
  codecs: 'avc1.64001f',
  bandwidth,
  averageBandwidth,
  width: (height * 16) / 9,
  height,
  frameRate: 30000 / 1001,
});
const audio: PlaylistRendition = { name: 'audio', kind: 'audio', codecs: 'mp4a.40.2', bandwidth: 140_000, averageBandwidth: 130_000, channels: 2 };

describe('multivariant playlist', () => {
  test('video rungs share one audio rendition, best first', () => {
    expect(renderMultivariant({ renditions: [rung('360p', 360, 900_000), audio, rung('720p', 720, 3_000_000, 2_500_000)] })).toBe(
      `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=3140000,AVERAGE-BANDWIDTH=2630000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"
720p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1040000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="audio"
360p.m3u8
`,
    );
  });

  test('a rendition whose key frames are known has an I-frame playlist', () => {
    expect(renderMultivariant({ renditions: [{ ...rung('720p', 720, 3_000_000), iFrameBandwidth: 170_000 }, audio], query: '?start=0' })).toContain(
      '\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=170000,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="720p.iframes.m3u8?start=0"\n',
    );
  });

  test('whatever rungs are called, no two playlists have one name', () => {
    const rungs = ['iframes', 'captions', 'gap', '720p'].map((name) => ({ ...rung(name, 720, 3_000_000), iFrameBandwidth: 170_000 }));
    const text = renderMultivariant({ renditions: [...rungs, audio], captions: [{ channel: 'cc1', label: 'CC1' }] });
    const uris = [...text.matchAll(/^(\S+\.m3u8)$|URI="(.*?)"/gm)].map(([, line, uri]) => line ?? uri);
    expect(uris).toHaveLength(10);
    expect(new Set(uris).size).toBe(10);
  });

  test('of sounds in one language, or in one that nobody knows, only the first is chosen by players themselves', () => {
    const chosen = (languages: readonly (string | undefined)[]): string[] => {
      const sounds = languages.map((language, at) => ({ ...audio, name: at === 0 ? 'audio' : `audio-${at}`, language }));
      const text = renderMultivariant({ renditions: [rung('720p', 720, 3_000_000), ...sounds] });
      return [...text.matchAll(/NAME="([^"]*)".*,AUTOSELECT=YES/g)].map(([, name = '']) => name);
    };
    expect(chosen([undefined, undefined])).toEqual(['audio']);
    expect(chosen([undefined, 'de', undefined])).toEqual(['audio', 'audio-1']);
    expect(chosen(['en', 'de', 'EN', 'de', undefined])).toEqual(['audio', 'audio-1']);
  });

  test('of captions, whose language nobody knows, only the first channel is chosen by players themselves', () => {
    const captions = [
      { channel: 'cc1', label: 'CC1' },
      { channel: 'cc3', label: 'CC3' },
    ];
    const text = renderMultivariant({ renditions: [rung('720p', 720, 3_000_000), audio], captions });
    expect([...text.matchAll(/TYPE=SUBTITLES.*NAME="(.*?)",DEFAULT=NO,AUTOSELECT=(\w+),/g)].map(([, name, told]) => [name, told])).toEqual([
      ['CC1', 'YES'],
      ['CC3', 'NO'],
    ]);
  });

  test('codecs are named once, also that of a sound which a picture has in its own files', () => {
    const picture = { ...rung('720p', 720, 3_000_000), codecs: 'avc1.64001f,mp4a.40.2' };
    expect(renderMultivariant({ renditions: [picture, { ...audio, name: 'audio-1' }], muxed: audio })).toContain('CODECS="avc1.64001f,mp4a.40.2"');
  });

  test('further sounds stand in the one group, in the order of their tracks, with what is known of them; variants count the largest', () => {
    const german = { ...audio, name: 'audio-1', bandwidth: 200_000, averageBandwidth: 190_000, language: 'de', label: 'Deutsch' };
    const lossless = { ...audio, name: 'audio-2', codecs: 'fLaC', averageBandwidth: 120_000 };
    const first = { ...audio, language: 'en', label: 'English' };
    expect(renderMultivariant({ renditions: [german, rung('720p', 720, 3_000_000, 2_500_000), lossless, first] })).toBe(
      `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="audio-1.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio-2",DEFAULT=NO,AUTOSELECT=NO,CHANNELS="2",URI="audio-2.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=3200000,AVERAGE-BANDWIDTH=2690000,CODECS="avc1.64001f,mp4a.40.2,fLaC",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"
720p.m3u8
`,
    );
    expect(renderMultivariant({ renditions: [german, first] })).toBe(
      `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="audio-1.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=200000,AVERAGE-BANDWIDTH=130000,CODECS="mp4a.40.2",AUDIO="audio"
audio.m3u8
`,
    );
  });

  test('audio alone is the only variant', () => {
    expect(renderMultivariant({ renditions: [audio] })).toBe(
      `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=140000,AVERAGE-BANDWIDTH=130000,CODECS="mp4a.40.2"
audio.m3u8
`,
    );
  });

  test('video alone has no audio group', () => {
    expect(renderMultivariant({ renditions: [rung('720p', 720, 3_000_000)] })).not.toContain('AUDIO');
  });

  test('a colon in a name cannot read as a scheme', () => {
    expect(renderMultivariant({ renditions: [{ ...audio, name: 'a:b' }] })).toContain('\na%3Ab.m3u8\n');
  });
});

describe('details', () => {
  test.each([
    [2000, 2],
    [1500, 2],
    [1000, 1],
    [10_000, 10],
  ])('segments of %d ms have the target duration %d s', (ms, target) => expect(targetDurationOf(ms)).toBe(target));

  test('the media sequence counts up without a jump whatever rows are there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 5, max: 60 }), { minLength: 1 }), (numbers) => {
        const sorted = numbers.toSorted((a, b) => a - b);
        const uris = renderMedia({ ...live, segments: sorted.map((n) => segment(n)) })
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('#'));
        const first = sorted[0] as number;
        uris.forEach((uri, index) => expect(uri).toBe(sorted.includes(first + index) ? `../../media/seg${first + index}.m4s` : 'gap.m4s'));
        expect(uris).toHaveLength((sorted.at(-1) as number) - first + 1);
      }),
    );
  });
});
