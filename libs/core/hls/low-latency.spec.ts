import { describe, expect, test } from '@jest/globals';
import { judgeReload, renderMedia, type LowLatency, type PartialSegments, type PlaylistSegment, type ReloadView } from './index.ts';

function segment(mediaSequence: number, change: Partial<PlaylistSegment> = {}): PlaylistSegment {
  return {
    ...{ mediaSequence, cid: `seg${mediaSequence}`, initCid: 'init0', durationUs: 2_000_000, startUs: mediaSequence * 2_000_000, discontinuity: false },
    programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000,
    ...change,
  };
}

function partial(mediaSequence: number, count: number, change: Partial<PartialSegments> = {}): [number, PartialSegments] {
  const { cid: _cid, durationUs: _duration, ...place } = segment(mediaSequence);
  const parts = Array.from({ length: count }, (_, index) => ({
    ...{ uri: `./720p/${mediaSequence}.${index}.r1.m4s`, durationUs: 500_000, independent: index === 0, gap: false },
  }));
  return [mediaSequence, { ...place, parts, ...change }];
}

const lowLatency = (partials: ReadonlyArray<[number, PartialSegments]>, change: Partial<LowLatency> = {}): LowLatency => ({
  ...{ partTargetUs: 500_000, partials: new Map(partials), hint: undefined, reports: [] },
  ...change,
});
const live = { targetDurationSec: 2, discontinuitySequence: 0, ended: false };

describe('a low-latency playlist', () => {
  test('parts of the newest segments, what is open, what comes next, and how far the others are', () => {
    const edge = lowLatency([partial(4, 4), partial(7, 4), partial(8, 2)], {
      hint: './720p/8.2.r1.m4s',
      reports: [
        { name: 'audio', lastSequence: 8, lastPart: 1 },
        { name: 'slow', lastSequence: 7, lastPart: undefined },
      ],
    });
    const text = renderMedia({ ...live, segments: [segment(4), segment(5), segment(6), segment(7)], lowLatency: edge });
    expect(text).toBe(`#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:4
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MAP:URI="../../media/init0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:28.000Z
#EXTINF:2.000000,
../../media/seg4.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:30.000Z
#EXTINF:2.000000,
../../media/seg5.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:32.000Z
#EXTINF:2.000000,
../../media/seg6.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:34.000Z
#EXT-X-PART:DURATION=0.500000,URI="./720p/7.0.r1.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500000,URI="./720p/7.1.r1.m4s"
#EXT-X-PART:DURATION=0.500000,URI="./720p/7.2.r1.m4s"
#EXT-X-PART:DURATION=0.500000,URI="./720p/7.3.r1.m4s"
#EXTINF:2.000000,
../../media/seg7.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:36.000Z
#EXT-X-PART:DURATION=0.500000,URI="./720p/8.0.r1.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500000,URI="./720p/8.1.r1.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="./720p/8.2.r1.m4s"
#EXT-X-RENDITION-REPORT:URI="./audio.m3u8",LAST-MSN=8,LAST-PART=1
#EXT-X-RENDITION-REPORT:URI="./slow.m3u8",LAST-MSN=7
`);
  });

  test('what is constant stays while the packager is away', () => {
    const text = renderMedia({ ...live, segments: [segment(4)], lowLatency: lowLatency([]) });
    expect(text).toContain('CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5\n#EXT-X-PART-INF:PART-TARGET=0.5\n');
    expect(text).not.toMatch(/EXT-X-PART:|PRELOAD/);
  });

  test('a segment that was begun and is never stored becomes a gap behind its parts', () => {
    const edge = lowLatency([partial(5, 3), partial(6, 1, { discontinuity: true, initCid: 'init1' })]);
    const text = renderMedia({ ...live, segments: [segment(4)], lowLatency: edge });
    expect(text.slice(text.indexOf('seg4'))).toBe(`seg4.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:30.000Z
#EXT-X-PART:DURATION=0.500000,URI="./720p/5.0.r1.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500000,URI="./720p/5.1.r1.m4s"
#EXT-X-PART:DURATION=0.500000,URI="./720p/5.2.r1.m4s"
#EXT-X-GAP
#EXTINF:2.000000,
gap.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../../media/init1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:32.000Z
#EXT-X-PART:DURATION=0.500000,URI="./720p/6.0.r1.m4s",INDEPENDENT=YES
`);
    // And stays one when what follows is stored, and when its parts are too old to be listed.
    const later = renderMedia({
      ...live,
      segments: [segment(4), segment(6, { discontinuity: true, initCid: 'init1' }), segment(7), segment(8)],
      lowLatency: edge,
    });
    expect(later).toContain(`seg4.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:30.000Z
#EXT-X-GAP
#EXTINF:2.000000,
gap.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../../media/init1.mp4"
`);
  });

  test('a recording and a playlist of key frames have no parts; the latter says what the others say', () => {
    const edge = lowLatency([partial(4, 4), partial(5, 1)], { hint: './720p/5.1.r1.m4s' });
    expect(renderMedia({ ...live, ended: true, segments: [segment(4)], lowLatency: edge })).not.toMatch(/PART|PRELOAD|SERVER/);
    const keyFrames = [{ offset: 0, sizeBytes: 10 }];
    const text = renderMedia({ ...live, iFrames: true, segments: [segment(4, { keyFrames })], lowLatency: edge });
    expect(text).not.toMatch(/EXT-X-PART|PRELOAD|seg5/);
    expect(text).toContain('#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5\n');
  });
});

describe('a blocking reload (6.2.5.2)', () => {
  const counts: Readonly<Record<number, number>> = { 9: 4, 10: 4, 11: 2 };
  const view: ReloadView = { ended: false, lastSequence: 10, partsOf: (mediaSequence) => counts[mediaSequence], partTargetUs: 500_000 };

  test.each([
    ['a segment that is there', 10, undefined, 'now'],
    ['one that left the playlist long ago', 0, 3, 'now'],
    ['the segment that is being made', 11, undefined, 'wait'],
    ['the one behind it', 12, undefined, 'wait'],
    ['more than two behind the last', 13, undefined, 'too-far'],
    ['a part that is there', 11, 1, 'now'],
    ['the next part', 11, 2, 'wait'],
    ['a part up to the advance part limit', 11, 7, 'wait'],
    ['a part beyond it', 11, 8, 'too-far'],
    ['the first part of the next segment', 12, 0, 'wait'],
    ['a part of it that is too far', 12, 6, 'too-far'],
    ['a part behind the last of a whole segment, when the next has begun', 10, 4, 'now'],
    ['any part of an older segment', 9, 99, 'now'],
  ] as const)('%s', (_what, mediaSequence, part, verdict) => expect(judgeReload({ mediaSequence, part }, view)).toBe(verdict));

  test('a part behind the last of a whole segment waits for the first of the next', () => {
    const fresh = { ...view, lastSequence: 11, partsOf: (mediaSequence: number) => (mediaSequence === 11 ? 4 : undefined) };
    expect(judgeReload({ mediaSequence: 11, part: 4 }, fresh)).toBe('wait');
    expect(judgeReload({ mediaSequence: 11, part: 3 }, fresh)).toBe('now');
    // Where parts are not known a whole segment has them all.
    expect(judgeReload({ mediaSequence: 11, part: 4 }, { ...fresh, partsOf: () => undefined })).toBe('now');
  });

  test('with parts of a second and more three may be asked for ahead', () => {
    const slow = { ...view, partTargetUs: 2_000_000 };
    expect(judgeReload({ mediaSequence: 11, part: 4 }, slow)).toBe('wait');
    expect(judgeReload({ mediaSequence: 11, part: 5 }, slow)).toBe('too-far');
  });

  test('nothing is waited for, nor refused, when the playlist has ended', () => {
    expect(judgeReload({ mediaSequence: 999, part: 99 }, { ...view, ended: true })).toBe('now');
  });
});
