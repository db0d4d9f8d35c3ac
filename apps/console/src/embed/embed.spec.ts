import { describe, expect, test } from '@jest/globals';
import { availabilityOf, isFinal, noticeOf } from './availability.ts';
import { embedCodeOf, embedOptionsOf } from './options.ts';
import { tileAt, tilesOf } from './thumbnails.ts';
import { clockAt, clockText, isInterrupted, placeText, shareOf } from './timeline.ts';

describe('what the address says', () => {
  test('a stream, and nothing else, waits for a click', () =>
    expect(embedOptionsOf('/embed/st-a', '')).toEqual({ streamId: 'st-a', autoplay: false, muted: false, startSec: undefined, title: '' }));
  test('what begins by itself is without sound', () => expect(embedOptionsOf('/embed/st-a/', '?autoplay=1')).toMatchObject({ autoplay: true, muted: true }));
  test.each([
    ['?start=-30', -30],
    ['?start=90', 90],
    ['?start=1.5', undefined],
    ['?start=x', undefined],
  ])('%s', (query, startSec) => expect(embedOptionsOf('/embed/st-a', query).startSec).toBe(startSec));
  test('a title is no longer than it can be shown', () => expect(embedOptionsOf('/embed/st-a', `?title=${'x'.repeat(999)}`).title).toHaveLength(200));

  test('the code for another page cannot be broken out of by a name', () => {
    const code = embedCodeOf('https://edge.example', 'st-a', '"><script>alert(1)</script> & co');
    expect(code).toContain('src="https://edge.example/embed/st-a"');
    expect(code).toContain('title="&quot;>&lt;script>alert(1)&lt;/script> &amp; co"');
    expect(code.match(/"/g)?.length).toBe(10);
  });
});

describe('a broadcast', () => {
  const newest = { newestMs: 100_000, targetMs: 2000, nowMs: 109_000, askedMs: 500, stillMs: 3500 };
  test.each([
    ['is interrupted when the playlist comes and gets no longer', {}, true],
    ['is not while it is but a little late', { nowMs: 107_000 }, false],
    ['is not while the playlist does not come: that is the network', { askedMs: 17_000 }, false],
    ['is not while it gets longer, whatever its clock says', { stillMs: 2000 }, false],
    ['is not as far as a playlist without a clock says', { newestMs: undefined }, false],
  ])('%s', (_name, change, expected) => expect(isInterrupted({ ...newest, ...change })).toBe(expected));
});

describe('what the playlist says before it is there', () => {
  const answer = (status: number, type?: string) => ({
    ok: status < 300,
    status,
    json: () => (type === undefined ? Promise.reject(new Error('no JSON')) : Promise.resolve({ type })),
  });
  test.each([
    [200, undefined, 'playable'],
    [404, 'urn:streams:problem:nothing-yet', 'not-yet'],
    [404, 'urn:streams:problem:never-live', 'never-live'],
    [404, 'urn:streams:problem:unknown-stream', 'unknown'],
    [404, undefined, 'away'],
    [404, 'urn:other', 'away'],
    [503, undefined, 'away'],
  ])('%d %s: %s', async (status, type, expected) => expect(await availabilityOf(answer(status, type) as never)).toBe(expected));

  test('a message for whatever is not playable, and an end to asking where nothing can come', () => {
    expect(['asking', 'playable', 'not-yet', 'never-live', 'unknown', 'away'].map((one) => noticeOf(one as never)?.title)).toEqual([
      undefined,
      undefined,
      'Not live yet',
      'This stream has ended',
      'There is no such stream',
      'The server does not answer',
    ]);
    expect(['playable', 'not-yet', 'never-live', 'unknown', 'away'].map((one) => isFinal(one as never))).toEqual([true, false, true, true, false]);
  });
});

describe('time', () => {
  const fragments = [0, 2, 4, 10].map((start) => ({ start, duration: 2, programDateTime: 1_000_000 + start * 1000 }));
  test('the clock of a place is that of its fragment', () => {
    expect([0, 3.5, 11].map((at) => clockAt(fragments, at))).toEqual([1_000_000, 1_003_500, 1_011_000]);
    expect(clockAt([], 1)).toBeUndefined();
    expect(clockAt([{ start: 0, duration: 2, programDateTime: null }], 1)).toBeUndefined();
  });
  test.each([
    [5, '0:05'],
    [3723, '1:02:03'],
    [-65, '−1:05'],
    [-0.2, '0:00'],
  ])('%d s is %s', (seconds, text) => expect(clockText(seconds)).toBe(text));
  test('live is told from the end, a recording from the beginning', () => {
    const range = { start: 100, end: 400 };
    expect([placeText(range, 340, true), placeText(range, 340, false), placeText(range, 500, true)]).toEqual(['−1:00', '4:00', '0:00']);
    expect([shareOf(range, 250), shareOf(range, 0), shareOf({ start: 0, end: 0 }, 5)]).toEqual([0.5, 0, 1]);
  });
});

describe('pictures of the scrub bar', () => {
  const playlist = `#EXTM3U
#EXT-X-IMAGES-ONLY
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z
#EXTINF:10.000,
#EXT-X-TILES:RESOLUTION=256x144,LAYOUT=5x1,DURATION=2.000
../../media/a.jpg
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:40.000Z
#EXTINF:4.000,
#EXT-X-TILES:RESOLUTION=256x144,LAYOUT=2x2,DURATION=2.000
../../media/b.jpg
#EXTINF:4.000,
../../media/without-layout.jpg
`;
  const tiles = tilesOf(playlist, 'http://edge/live/st-a/thumbnails.m3u8');
  const start = Date.parse('2026-09-21T14:13:20.000Z');

  test('each picture has its moment and its place', () => {
    expect(tiles).toHaveLength(9);
    expect(tiles[1]).toMatchObject({ url: 'http://edge/media/a.jpg', atMs: start + 2000, x: 256, y: 0, imageWidth: 1280, imageHeight: 144 });
    // Two pictures in four places.
    expect(tiles.slice(5, 7).map(({ x, y }) => [x, y])).toEqual([
      [0, 0],
      [256, 0],
    ]);
  });

  test('a moment has the picture before it; far from all there is none', () => {
    const at = (ms: number): number | undefined => tileAt(tiles, start + ms)?.atMs;
    expect([at(0), at(5000), at(-1000)]).toEqual([start, start + 4000, start]);
    expect([at(-60_000), at(900_000), tileAt(tiles, undefined), tileAt([], start)]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('what is not a playlist of pictures has none', () => expect(tilesOf('<html>', 'http://edge/')).toEqual([]));
});
