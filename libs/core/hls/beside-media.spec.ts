import { describe, expect, test } from '@jest/globals';
import { dateRangeTag, renderImagePlaylist, renderMedia, renderMultivariant, renderThumbnailTrack, type DateRange, type ThumbnailImage } from './index.ts';

const image = (at: number, change: Partial<ThumbnailImage> = {}): ThumbnailImage => ({
  cid: `img${at}`,
  sizeBytes: 25_000,
  startUs: at * 10_000_000,
  durationUs: 10_000_000,
  programDateTimeMs: 1_790_000_000_000 + at * 10_000,
  columns: 5,
  rows: 1,
  width: 256,
  height: 144,
  ...change,
});

describe('small pictures', () => {
  test('an image playlist says when each image begins and how its pictures lie', () => {
    expect(renderImagePlaylist({ images: [image(0), image(1, { columns: 2, durationUs: 3_900_000 })], ended: true })).toBe(
      `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:10
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-IMAGES-ONLY
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z
#EXTINF:10.000,
#EXT-X-TILES:RESOLUTION=256x144,LAYOUT=5x1,DURATION=2.000
../../media/img0.jpg
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:30.000Z
#EXTINF:3.900,
#EXT-X-TILES:RESOLUTION=256x144,LAYOUT=2x1,DURATION=1.950
../../media/img1.jpg
#EXT-X-ENDLIST
`,
    );
  });

  test('a live one is open at its end', () => expect(renderImagePlaylist({ images: [image(0)], ended: false })).not.toMatch(/ENDLIST|VOD/));

  test('a track names each picture by its place, in the time of a player', () => {
    const track = renderThumbnailTrack([image(0, { columns: 2, rows: 2, durationUs: 8_000_000 }), image(400)], 0);
    expect(track).toContain('WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n../../media/img0.jpg#xywh=0,0,256,144\n');
    expect(track).toContain('\n00:00:06.000 --> 00:00:08.000\n../../media/img0.jpg#xywh=256,144,256,144\n');
    expect(track).toContain('\n01:06:40.000 --> 01:06:42.000\n');
  });

  test('pictures from before the window are left out, and the rest count from its beginning', () => {
    const track = renderThumbnailTrack([image(0), image(1)], 8_000_000);
    expect(track.match(/-->/g)).toHaveLength(6);
    expect(track).toContain('00:00:00.000 --> 00:00:02.000\n../../media/img0.jpg#xywh=1024,');
  });

  test('the multivariant playlist names them with a bandwidth that stays the same', () => {
    const video = { name: '720p', kind: 'video' as const, codecs: 'avc1.64001f', bandwidth: 3_000_000 };
    expect(renderMultivariant({ renditions: [video], images: [image(0), image(1, { sizeBytes: 24_000 })] })).toContain(
      '\n#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=20000,CODECS="jpeg",RESOLUTION=256x144,URI="thumbnails.m3u8"\n',
    );
    expect(renderMultivariant({ renditions: [video] })).not.toContain('IMAGE');
  });
});

const range = (change: Partial<DateRange> = {}): DateRange => ({
  id: 'break-1',
  class: undefined,
  startMs: 1_790_000_004_000,
  durationMs: undefined,
  plannedDurationMs: undefined,
  endsOnNext: false,
  scte35Cmd: undefined,
  scte35Out: undefined,
  scte35In: undefined,
  attributes: [],
  ...change,
});

describe('date ranges', () => {
  test('every attribute is as RFC 8216bis section 4.4.5.1 writes it', () => {
    const attributes = [
      { name: 'TITLE', value: 'A "good" one', isNumber: false },
      { name: 'PRICE', value: '1.5', isNumber: true },
    ];
    expect(dateRangeTag(range({ class: 'ad', durationMs: 30_000, plannedDurationMs: 29_500, scte35Out: '0xFC30', attributes }))).toBe(
      `#EXT-X-DATERANGE:ID="break-1",CLASS="ad",START-DATE="2026-09-21T14:13:24.000Z",DURATION=30.000,PLANNED-DURATION=29.500,X-TITLE="A 'good' one",X-PRICE=1.5,SCTE35-OUT=0xFC30`,
    );
    const odd = ['1e21', '-1e-9', '0x10', 'no number'].map((value, at) => ({ name: `N${at}`, value, isNumber: true }));
    expect(dateRangeTag(range({ attributes: odd }))).toMatch(/,X-N0=1000000000000000000000,X-N1=-0\.000000001,X-N2=16,X-N3="no number"$/);
    expect(dateRangeTag(range({ class: 'ad', endsOnNext: true }))).toMatch(/,END-ON-NEXT=YES$/);
  });

  const segments = [3, 4].map((mediaSequence) => ({
    ...{ mediaSequence, cid: `seg${mediaSequence}`, initCid: 'i', durationUs: 2_000_000, startUs: mediaSequence * 2_000_000, discontinuity: false },
    programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000,
  }));
  const playlist = { segments, targetDurationSec: 2, discontinuitySequence: 0, ended: false };

  test('those that are over before the window are not told, those to come are, and in order', () => {
    const at = (id: string, seconds: number, durationMs?: number): DateRange => range({ id, startMs: 1_790_000_000_000 + seconds * 1000, durationMs });
    const text = renderMedia({ ...playlist, dateRanges: [at('later', 60), at('over', 1), at('reaches-in', 1, 6000), at('now', 7)] });
    expect([...text.matchAll(/#EXT-X-DATERANGE:ID="([^"]+)"/g)].map(([, id]) => id)).toEqual(['reaches-in', 'now', 'later']);
  });

  test('an update repeats them', () =>
    expect(renderMedia({ ...playlist, dateRanges: [range({ startMs: 1_790_000_008_000 })], skip: true })).toContain('DATERANGE'));
});
