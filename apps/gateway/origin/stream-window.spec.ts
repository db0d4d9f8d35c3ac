import { describe, expect, test } from '@jest/globals';
import type { ReadRow } from '#ports';
import { mediaPlaylist } from './playlist-reader.ts';
import type { SegmentList } from './segment-lists.ts';
import type { Segment } from './segment-rows.ts';
import { StreamWindow } from './stream-window.ts';

const row = (name: string, kind: string): ReadRow => ({ name, kind, codecs: kind === 'video' ? 'avc1.64001f' : 'mp4a.40.2', bandwidth: 1 });

/** Segments of two seconds from one number until before another. */
function segments(from: number, until: number, discontinuity = -1): SegmentList {
  const all = Array.from({ length: until - from }, (_, at): Segment => {
    const mediaSequence = from + at;
    const times = { startUs: mediaSequence * 2e6, durationUs: 2e6, programDateTimeMs: 1_000_000 + mediaSequence * 2000 };
    return { mediaSequence, cid: `c${mediaSequence}`, initCid: 'i', ...times, discontinuity: mediaSequence === discontinuity } as Segment;
  });
  return { segments: all, beginnings: all.filter((one, at) => at === 0 || one.discontinuity) };
}

function live(last: number, dvrWindowMs: number, lists: Record<string, SegmentList>): StreamWindow {
  const stream: ReadRow = {
    ...{ stream_id: 'st', segment_duration_ms: 2000, dvr_window_ms: dvrWindowMs, end_us: (last + 1) * 2_000_000 },
    ...{ last_media_sequence: last, first_media_sequence: 0, encoding_order: 'source,audio' },
  };
  const everyRendition = [row('source', 'video'), row('audio', 'audio')];
  const window = StreamWindow.of({ stream, everyRendition, whole: false }, new Map(Object.entries(lists)));
  if (window === undefined) throw new Error('there are segments');
  return window;
}

const lines = (window: StreamWindow, rendition: string): string[] => {
  const playlist = mediaPlaylist(window, rendition, { ended: false });
  return playlist.kind === 'playlist' ? playlist.text.split('\n') : [];
};

describe('the window of a stream whose picture came four segments after its sound', () => {
  const lists = { source: segments(4, 8, 4), audio: segments(0, 8, 4) };

  test('begins with the sound, in all renditions alike', () => {
    const window = live(7, 60_000, lists);
    expect(window.first).toBe(0);
    for (const rendition of ['source', 'audio']) expect(lines(window, rendition)).toContain('#EXT-X-MEDIA-SEQUENCE:0');
    expect(lines(window, 'audio').filter((line) => line.startsWith('../../media/') && line.endsWith('.m4s'))).toHaveLength(8);
    const picture = lines(window, 'source');
    expect(picture.filter((line) => line === '#EXT-X-GAP')).toHaveLength(4);
    expect(picture.filter((line) => line.startsWith('#EXTINF')).map((line) => line.slice(8, 16))).toEqual(Array<string>(8).fill('2.000000'));
  });

  test('never moves back, and leaves what is older than it shows', () => {
    const firsts = Array.from({ length: 20 }, (_, at) => at + 4).map(
      (last) => live(last, 10_000, { source: segments(4, last + 1, 4), audio: segments(0, last + 1, 4) }).first,
    );
    expect(firsts).toEqual(firsts.map((_, at) => at));
  });
});
