import { beforeEach, describe, expect, test } from '@jest/globals';
import { streamTable } from '#domain/stream';
import type { RowChange } from '#kernel';
import { StreamExtras } from '../streams/stream-extras.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { PlaylistReader, type Playlist, type PlaylistForm } from './playlist-reader.ts';
import { RenditionRows } from './rendition-rows.fixture.ts';
import { SegmentLists } from './segment-lists.ts';
import { TsPlaylists } from './ts-playlists.ts';

let reads: RenditionRows;
const clock = { now: () => 1000 };

/** @param order of the newest encoder */
function stream(last: number, order: bigint, more: RowChange['set'] = { status: 'live', status_at_ms: 1n }): void {
  const segments = { first_media_sequence: 0, last_media_sequence: last, end_us: BigInt(last + 1) * 2_000_000n, segment_duration_ms: 2000 };
  reads.put(streamTable, {}, { created_at_ms: 1n, encoding_order: order, dvr_window_ms: 60_000, ...segments, ...more });
}

const sizes = (count: number): number[] => Array<number>(count).fill(9000);
const namesIn = (playlist: Playlist): readonly string[] =>
  playlist.kind === 'playlist' ? [...playlist.text.matchAll(/([\w-]+)\.m3u8/g)].map(([, name = '']) => name) : [playlist.kind];
const reader = (): PlaylistReader => new PlaylistReader(new StreamReader(reads), new SegmentLists(reads), new StreamExtras(reads), clock);
const master = async (form: PlaylistForm = {}): Promise<readonly string[]> => namesIn(await reader().master('st', form));
const ts = async (): Promise<readonly string[]> => namesIn(await new TsPlaylists(new StreamReader(reads), new SegmentLists(reads), clock).master('st', {}));

beforeEach(() => {
  reads = new RenditionRows();
});

describe('a stream whose newest encoder makes sound alone', () => {
  beforeEach(() => {
    reads.rendition('720p', 'video', 2_750_000);
    reads.segments('720p', sizes(4));
    reads.rendition('audio', 'audio', 140_800, undefined, 2n);
    reads.segments('audio', sizes(6));
  });

  test('has its picture in the recording, as transport streams, too', async () => {
    stream(5, 2n, { status: 'stopped', status_at_ms: 1n, encoding_status: 'ended', encoding_reason: 'stopped' });
    expect(await master()).toEqual(['audio', '720p']);
    expect(await ts()).toEqual(['720p']);
  });

  test('has it in a part of which there is a picture, and in all of it, and in no other part', async () => {
    stream(5, 2n);
    expect(await master({ part: { first: 1, last: 5 } })).toEqual(['audio', '720p']);
    expect(await master({ part: { first: 4, last: 5 } })).toEqual(['audio']);
    expect(await master({ whole: true })).toEqual(['audio', '720p']);
  });

  test('keeps the picture for those who begin to watch before it is back, and no older one', async () => {
    reads.rendition('480p', 'video', 1_000_000, undefined, 0n);
    reads.segments('480p', sizes(2));
    stream(5, 2n);
    expect(await master()).toEqual(['audio', '720p']);
    expect(await ts()).toEqual(['720p']);
  });

  test('is one of sound when no picture is left of what viewers can go back to', async () => {
    reads.segments('audio', sizes(40));
    stream(39, 2n);
    expect(await master()).toEqual(['audio']);
  });
});

describe('a live stream whose picture comes later than its sound', () => {
  beforeEach(() => {
    reads.rendition('audio', 'audio', 140_800, undefined, 2n);
    reads.segments('audio', sizes(4));
    reads.rendition('source', 'video', 2_750_000, undefined, 2n);
  });

  test('tells of no playlist that is not there yet', async () => {
    stream(3, 2n);
    expect(await master()).toEqual(['audio']);
    expect(await reader().media('st', 'source', { iFrames: true })).toMatchObject({ kind: 'nothing-yet' });
    expect(await reader().media('st', 'other')).toMatchObject({ kind: 'unknown-rendition' });
    reads.segments('source', sizes(1), undefined, 3);
    expect(await master()).toEqual(['audio', 'source']);
    expect(await reader().media('st', 'source')).toMatchObject({ kind: 'playlist' });
  });

  test('has gaps beside its sound for who asks before, and the same gaps afterwards', async () => {
    stream(3, 2n);
    const linesOf = async (): Promise<string[]> => {
      const playlist = await reader().media('st', 'source');
      return playlist.kind === 'playlist' ? playlist.text.trimEnd().split('\n') : [playlist.kind];
    };
    const before = await linesOf();
    expect(before.filter((line) => line === '#EXT-X-GAP')).toHaveLength(4);
    reads.segments('audio', sizes(5));
    reads.segments('source', sizes(1), undefined, 4);
    stream(4, 2n);
    expect((await linesOf()).slice(0, before.length)).toEqual(before);
  });
});

test('a further sound has a playlist as soon as it is listed, also one of transport streams', async () => {
  reads.rendition('720p', 'video', 2_750_000, undefined, 2n);
  reads.segments('720p', sizes(3));
  reads.rendition('audio', 'audio', 140_800, undefined, 2n);
  reads.segments('audio', sizes(3));
  reads.rendition('audio-1', 'audio', 140_800, undefined, 2n);
  stream(2, 2n);
  expect(await master()).toContain('audio-1');
  const tsReader = new TsPlaylists(new StreamReader(reads), new SegmentLists(reads), clock);
  for (const playlist of [await reader().media('st', 'audio-1'), await tsReader.media('st', 'audio-1', {})]) {
    expect(playlist).toMatchObject({ kind: 'playlist', ended: false });
    expect(playlist.kind === 'playlist' && playlist.text.match(/#EXT-X-GAP/g)).toHaveLength(3);
  }
});

test('a recording lists what another encoder made, and of nothing what it has not', async () => {
  reads.rendition('480p', 'video', 1_000_000, undefined, 1n);
  reads.segments('480p', sizes(2));
  reads.rendition('720p', 'video', 2_750_000, undefined, 2n);
  reads.segments('720p', sizes(2), undefined, 2);
  reads.rendition('240p', 'video', 500_000, undefined, 2n);
  stream(3, 2n, { status: 'stopped', status_at_ms: 1n, encoding_status: 'ended', encoding_reason: 'stopped' });
  expect(await master()).toEqual(['720p', '480p']);
});
