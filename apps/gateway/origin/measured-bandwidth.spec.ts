import { beforeEach, expect, test } from '@jest/globals';
import { renditionTable, segmentTable, streamTable } from '#domain/stream';
import { StreamExtras } from '../streams/stream-extras.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { PlaylistReader, type Playlist } from './playlist-reader.ts';
import { RenditionRows } from './rendition-rows.fixture.ts';
import { SegmentLists } from './segment-lists.ts';
import { TsPlaylists } from './ts-playlists.ts';

let reads: RenditionRows;
const clock = { now: () => 1000 };
const readers = (): { playlists: PlaylistReader; ts: TsPlaylists } => {
  const [streams, lists] = [new StreamReader(reads), new SegmentLists(reads)];
  return { playlists: new PlaylistReader(streams, lists, new StreamExtras(reads), clock), ts: new TsPlaylists(streams, lists, clock) };
};
const textOf = (playlist: Playlist): string => (playlist.kind === 'playlist' ? playlist.text : playlist.kind);
const dash = async (whole: boolean): Promise<Record<string, string>> => {
  const text = textOf(await readers().playlists.mpd('st', { whole }));
  return Object.fromEntries([...text.matchAll(/<Representation id="([^"]*)"[^>]* bandwidth="(\d+)"/g)].map(([, id = '', bits = '']) => [id, bits]));
};

beforeEach(() => {
  reads = new RenditionRows();
  const segments = { first_media_sequence: 0, last_media_sequence: 2, end_us: 6_000_000n, segment_duration_ms: 2000, dvr_window_ms: 60_000 };
  reads.put(streamTable, {}, { created_at_ms: 1n, encoding_order: 1n, status: 'live', status_at_ms: 1n, ...segments });
  reads.rendition('720p', 'video', 2_750_000);
  reads.segments('720p', [400_000, 400_000, 400_000]);
  reads.rendition('audio', 'audio', 140_800);
  reads.segments('audio', [9000, 9000, 9000]);
  reads.rendition('audio-1', 'audio', 240_000);
});

test.each([
  ['live', false],
  ['whole', true],
])('a further sound of a stream that is %s has the bandwidth of its peak, in HLS and DASH', async (_, whole) => {
  reads.segments('audio-1', [23_000, 23_700, 23_400]);
  expect(await dash(whole)).toEqual({ '720p': '2750000', audio: '140800', 'audio-1': '96000' });
  // 140,800 is more than 96,000: a variant counts the larger of its sounds.
  expect(textOf(await readers().playlists.master('st', { whole }))).toContain('#EXT-X-STREAM-INF:BANDWIDTH=2890800,');
});

test('a further sound that takes more than the first counts in the variants, and what is too short counts with what is before it', async () => {
  reads.segments('audio-1', [48_100, 48_100, 9000], 100_000);
  expect((await dash(false))['audio-1']).toBe('224000');
  expect(textOf(await readers().playlists.master('st'))).toContain('#EXT-X-STREAM-INF:BANDWIDTH=2974000,');
});

test('a further sound of which nothing came yet has what its packager took it for', async () => {
  expect(textOf(await readers().playlists.master('st'))).toContain('#EXT-X-STREAM-INF:BANDWIDTH=2990000,');
});

/** A stream that carries its source, whose packager said what the rung and an unknown sound are taken for. */
function carriedStream(sizes: readonly number[]): void {
  reads = new RenditionRows();
  const ladder = [
    { name: 'source', height: 2160, videoBitrate: 6_160_000, passThrough: true },
    { name: '480p', height: 480, videoBitrate: 1_400_000 },
  ];
  const segments = { first_media_sequence: 0, last_media_sequence: sizes.length - 1, end_us: BigInt(sizes.length) * 2_000_000n };
  const settings = { segment_duration_ms: 2000, dvr_window_ms: 60_000, ladder, audio_bitrate: 128_000 };
  reads.put(streamTable, {}, { created_at_ms: 1n, encoding_order: 1n, status: 'live', status_at_ms: 1n, ...segments, ...settings });
  reads.rendition('source', 'video', 9_240_000);
  reads.segments('source', sizes);
  reads.rendition('480p', 'video', 1_960_000);
  reads.segments('480p', sizes);
  reads.rendition('audio', 'audio', 240_000);
  reads.segments(
    'audio',
    sizes.map(() => 4750),
  );
}
const ten = (size: number, peak: number): number[] => [peak, ...Array.from({ length: 9 }, () => size)];

test('what is carried has the bandwidth of its peak, what is encoded keeps the bound of its encoder; averages are those of the window', async () => {
  carriedStream(ten(13_000, 14_000));
  // Segments of 56 kbit/s at most with a fifth on top, and the next preferred number.
  expect(await dash(false)).toEqual({ source: '80000', '480p': '1960000', audio: '24000' });
  const master = textOf(await readers().playlists.master('st'));
  expect(master).toContain('#EXT-X-STREAM-INF:BANDWIDTH=104000,AVERAGE-BANDWIDTH=72000,');
  expect(master).toContain('#EXT-X-STREAM-INF:BANDWIDTH=1984000,AVERAGE-BANDWIDTH=72000,');
  const lines = textOf(await readers().ts.master('st', {}));
  expect(lines).toContain(`BANDWIDTH=${Math.ceil(104_000 * 1.1)},AVERAGE-BANDWIDTH=${Math.ceil(72_000 * 1.1)},`);
});

test('a recording has its peak as it was', async () => {
  carriedStream(ten(13_000, 14_000));
  expect(await dash(true)).toEqual({ source: '56000', '480p': '1960000', audio: '24000' });
});

test('a peak that leaves the window, or a little greater one, changes nothing that players were told', async () => {
  for (const peak of [900_000, 940_000, 1_000_000, 1_040_000]) {
    carriedStream(ten(800_000, peak));
    expect((await dash(false))['source']).toBe('5000000');
  }
});

test('from its first segment on a live stream whose publisher says nothing has twice what that took, and no average yet', async () => {
  for (const count of [1, 9]) {
    carriedStream(ten(13_000, 14_000).slice(0, count));
    expect(await dash(false)).toEqual({ source: '125000', '480p': '1960000', audio: '40000' });
    expect(textOf(await readers().playlists.master('st'))).not.toContain('AVERAGE-BANDWIDTH');
  }
});

test('what a publisher says it sends holds until there is enough to measure, unless more comes already', async () => {
  const said = async (size: number): Promise<Record<string, string>> => {
    carriedStream([size, size]);
    reads.rows = reads.rows.filter(({ table, key }) => table !== renditionTable.name || key['name'] === '480p');
    reads.rendition('source', 'video', 3_750_000);
    reads.rendition('audio', 'audio', 144_000);
    return dash(false);
  };
  expect(await said(13_000)).toEqual({ source: '3750000', '480p': '1960000', audio: '144000' });
  expect((await said(1_000_000))['source']).toBe('5000000');
});

test('the peak is that of segments one behind the other, short ones included, over half to one and a half times their length', async () => {
  carriedStream(ten(100_000, 100_000));
  const bits = async (durationsUs: readonly bigint[], sizes: readonly number[]): Promise<string | undefined> => {
    const of = ({ table, key }: (typeof reads.rows)[number]): boolean => table === segmentTable.name && key['rendition'] === 'source';
    const rows = reads.rows
      .filter(of)
      .map((row, at) => ({ ...row, set: { ...row.set, ...(at in sizes && { duration_us: durationsUs[at], size_bytes: BigInt(sizes[at] as number) }) } }));
    reads.rows = [...reads.rows.filter((row) => !of(row)), ...rows];
    return (await dash(true))['source'];
  };
  expect(await bits([], [])).toBe('400000');
  // Half a second that takes a lot is no peak by itself, and one with the second behind it.
  expect(await bits([500_000n, 500_000n, 1_000_000n], [200_000, 100_000, 50_000])).toBe('2400000');
});

test('pictures of a publisher that sends its own ladder are carried, too, and sound that is encoded is not', async () => {
  carriedStream(ten(13_000, 14_000));
  reads.rows = reads.rows.filter(({ key }) => key['name'] !== 'audio');
  reads.rendition('720p', 'video', 4_000_000);
  reads.segments('720p', ten(130_000, 140_000));
  reads.rendition('audio', 'audio', 147_200);
  expect(await dash(false)).toEqual({ source: '80000', '480p': '1960000', '720p': '800000', audio: '147200' });
});

test('a transport stream whose sound is the further one, because the first cannot be in it, counts what it has', async () => {
  reads.rows = reads.rows.filter(({ key }) => key['name'] !== 'audio');
  reads.rendition('audio', 'audio', 140_800, 'opus');
  reads.segments('audio-1', [23_000, 23_700, 23_400]);
  expect(textOf(await readers().ts.master('st', {}))).toContain(`BANDWIDTH=${Math.ceil((2_750_000 + 96_000) * 1.1)},`);
});

test('a transport stream has its first sound with each picture, and the further ones beside it for those who know of a choice', async () => {
  reads.segments('audio-1', [23_000, 23_700, 23_400]);
  const { ts } = readers();
  const lines = textOf(await ts.master('st', {})).split('\n');
  expect(lines.filter((line) => line.startsWith('#EXT-X-MEDIA'))).toEqual([
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio-1",DEFAULT=NO,AUTOSELECT=NO,CHANNELS="2",URI="audio-1.m3u8"',
  ]);
  // Who hears the further one fetches the first with the picture as well.
  const bandwidth = Math.ceil((2_750_000 + 140_800) * 1.1) + Math.ceil(96_000 * 1.1);
  expect(lines.find((line) => line.startsWith('#EXT-X-STREAM-INF'))).toMatch(new RegExp(`BANDWIDTH=${bandwidth},.*AUDIO="audio"`));
  const tracksOf = async (name: string): Promise<number[]> =>
    textOf(await ts.media('st', name, {}))
      .split('\n')
      .filter((line) => line.endsWith('.ts'))
      .map((line) => line.split('-i-').length - 1);
  expect(await tracksOf('720p')).toEqual([2, 2, 2]);
  expect(await tracksOf('audio-1')).toEqual([1, 1, 1]);
  expect(await ts.media('st', 'audio', {})).toMatchObject({ kind: 'unknown-rendition' });
});

test('a transport stream with one sound tells of none', async () => {
  reads.rows = reads.rows.filter(({ key }) => key['name'] !== 'audio-1');
  expect(textOf(await readers().ts.master('st', {}))).not.toContain('EXT-X-MEDIA');
});
