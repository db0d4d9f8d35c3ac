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
    ...{
      stream_id: 'st',
      segment_duration_ms: 2000,
      dvr_window_ms: dvrWindowMs,
      end_us: Math.max(...Object.values(lists).map(({ segments: of }) => (of.at(-1)?.startUs ?? 0) + (of.at(-1)?.durationUs ?? 0))),
    },
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

describe('a gap in one rendition', () => {
  /** Sound alone from 4 on; its last segment before the picture is back is short, and nobody has number 11. */
  const lengths = [2, 2, 2, 2, 2.005, 1.995, 2, 1.0027, 2, 2, 2, 2, 2, 2].map((seconds) => Math.round(seconds * 1e6));
  const starts = lengths.map((_, at) => lengths.slice(0, at).reduce((sum, us) => sum + us, 0));
  const all = lengths.map((durationUs, mediaSequence): Segment => {
    const startUs = starts[mediaSequence] as number;
    const place = { startUs, durationUs, programDateTimeMs: 1_000_000 + Math.floor(startUs / 1000), discontinuity: mediaSequence === 8 };
    return { mediaSequence, cid: `c${mediaSequence}`, initCid: 'i', ...place } as Segment;
  });
  const listOf = (segments: readonly Segment[]): SegmentList => ({ segments, beginnings: segments.filter((one, at) => at === 0 || one.discontinuity) });
  const isThere = ({ mediaSequence }: Segment): boolean => mediaSequence !== 11;
  const upTo = (last: number): Record<string, SegmentList> => {
    const made = all.slice(0, last + 1).filter(isThere);
    return { source: listOf(made.filter(({ mediaSequence }) => mediaSequence < 4 || mediaSequence > 7)), audio: listOf(made) };
  };

  /** What a playlist says of each number, by the number. */
  const entries = (window: StreamWindow): Map<number, string> => {
    const found = new Map<number, string>();
    let number = window.first;
    let entry: string[] = [];
    for (const line of lines(window, 'source').slice(6)) {
      if (!line.startsWith('#EXT-X-MAP')) entry.push(line);
      if (!/^[^#]/.test(line)) continue;
      found.set(number++, entry.filter((one) => !/^#EXT-X-(START|SERVER|INDEP|DISCONTINUITY-SEQ)/.test(one)).join(' '));
      entry = [];
    }
    return found;
  };

  test.each([60_000, 8000])('lasts what the number lasts in another one from the first time on, whatever follows and is removed (%d ms)', (dvrWindowMs) => {
    const told = new Map<number, string>();
    for (const last of all.filter(isThere).map(({ mediaSequence }) => mediaSequence)) {
      const window = live(last, dvrWindowMs, upTo(last));
      for (const [number, entry] of entries(window)) {
        expect([number, entry]).toEqual([number, told.get(number) ?? entry]);
        told.set(number, entry);
      }
    }
    expect(told.get(7)).toBe('#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:16:54.000Z #EXT-X-GAP #EXTINF:1.002700, gap.m4s');
    expect(told.get(11)).toContain('#EXT-X-GAP #EXTINF:2.000000,');
  });

  test('is left out of an update by where it is, not by how long it could be', () => {
    const playlist = mediaPlaylist(live(7, 60_000, upTo(7)), 'source', { ended: false, skip: true });
    // 15.0027 s, of which the last 12 s are told always.
    expect(playlist.kind === 'playlist' && playlist.text).toContain('#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n');
  });
});
