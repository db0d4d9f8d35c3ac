import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteBudget } from './byte-budget.core.ts';
import { nextRequests } from './cmcd.codec.ts';
import { dateTimeMs, durationSec, readDash } from './dash-manifest.core.ts';
import { readHls } from './hls-manifest.core.ts';
import { planManifest } from './manifest-plan.core.ts';
import { PrecisionMeter } from './precision.core.ts';
import { nameAfter } from './numbered.core.ts';
import { Prefetcher, type PrefetchLimits } from './prefetcher.core.ts';
import { resolveReference, resolveRelative } from './reference.core.ts';
import { TrackMemory } from './track-memory.core.ts';
import type { Wish } from './wish.ts';

const base = { target: '/a/b/list.m3u8?token=1', host: 'media.example' };

describe('references', () => {
  test.each([
    ['seg.m4s', '/a/b/seg.m4s'],
    ['../x/seg.m4s?v=1', '/a/x/seg.m4s?v=1'],
    ['./seg.m4s', '/a/b/seg.m4s'],
    ['/root.m4s', '/root.m4s'],
    ['https://media.example/c/seg.m4s', '/c/seg.m4s'],
    ['HTTP://MEDIA.example/c', '/c'],
    ['https://other.example/c', undefined],
    ['https://media.example.evil/c', undefined],
    ['//other.example/c', undefined],
    ['///c', undefined],
    ['ftp://media.example/c', undefined],
    ['data:text/plain,x', undefined],
    ['../../../etc', undefined],
    ['%2e%2e/%2E%2E/%2e./etc', undefined],
    ['a\\..\\b', undefined],
    ['a b', undefined],
    ['a\nb', undefined],
    ['x'.repeat(3000), undefined],
  ])('of a manifest: %s', (reference, target) => expect(resolveReference(reference, base)).toBe(target));

  test.each([['/a'], ['//h/a'], ['http://media.example/a'], ['?q'], [''], ['../../../a']])('relative alone: %s is none', (reference) =>
    expect(resolveRelative(reference, base.target)).toBeUndefined(),
  );

  test('whatever is written, the result is an absolute path without dots on the same host, or nothing', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '/', '//', '%2e%2e', '%2F', 'http:', '\\', '?', '#', '@', 'a', 'other.example'),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = resolveReference(pieces.join(''), base);
        if (target === undefined) return;
        expect(target).toMatch(/^\/(?!\/)|^\/$|^\/\//);
        const path = target.split('?')[0] as string;
        expect(path.split('/').map((segment) => segment.replaceAll(/%2e/gi, '.'))).not.toContain('..');
      }),
    );
  });
});

describe('CMCD', () => {
  const target = '/v/720p/seg-4.m4s';
  test.each<[string, string, string | undefined, readonly [string, string | undefined][]]>([
    ['a field', target, 'bl=21300,nor="seg-5.m4s"', [['/v/720p/seg-5.m4s', undefined]]],
    ['escaped, another rendition', target, 'nor="..%2F300kbps%2Fseg-5.m4s",su', [['/v/300kbps/seg-5.m4s', undefined]]],
    ['a query', `${target}?CMCD=bl%3D1%2Cnor%3D%22seg-5.m4s%22`, undefined, [['/v/720p/seg-5.m4s', undefined]]],
    ['with a range', target, 'nor="seg-5.m4s",nrr="0-99"', [['/v/720p/seg-5.m4s', 'bytes=0-99']]],
    ['a range of the same', target, 'nrr="12323-48763"', [[target, 'bytes=12323-48763']]],
    [
      'a list of the second version',
      target,
      'nor=("a.m4s" "b.m4s")',
      [
        ['/v/720p/a.m4s', undefined],
        ['/v/720p/b.m4s', undefined],
      ],
    ],
    ['an endless list', target, `nor=(${'"x.m4s" '.repeat(50)})`, [1, 2, 3].map(() => ['/v/720p/x.m4s', undefined] as const) as never],
    ['an open range', target, 'nor="seg-5.m4s",nrr="100-"', []],
    ['a range upside down', target, 'nor="seg-5.m4s",nrr="9-1"', []],
    ['a range of a whole film', target, 'nor="seg-5.m4s",nrr="0-99999999999"', []],
    ['another host', target, 'nor="https%3A%2F%2Fevil.example%2Fa"', []],
    ['no scheme', target, 'nor="%2F%2Fevil.example%2Fa"', []],
    ['an absolute path', target, 'nor="%2Fapi%2Fv1%2Fstreams"', []],
    ['climbing', target, 'nor="..%2F..%2F..%2F..%2Fetc%2Fpasswd"', []],
    ['a query of its own', target, 'nor="seg-5.m4s%3Fx%3D1"', []],
    ['itself', target, 'nor="seg-4.m4s"', []],
    ['a broken escape', target, 'nor="%E0%A4"', []],
    ['not closed', target, 'nor="seg-5.m4s', []],
    ['another key that ends so', target, 'com.x-nor="seg-5.m4s"', []],
    ['too long', target, `nor="${'a'.repeat(5000)}"`, []],
    ['nothing', target, 'bl=1', []],
  ])('%s', (_, asked, field, expected) => expect(nextRequests(asked, field).map((next) => [next.target, next.range])).toEqual(expected));

  test('never throws, never leaves the host, and is bounded', () => {
    const part = fc.oneof(fc.constantFrom('nor="', 'nrr="', '"', ',', '(', ')', '..', '%2F', '%', '\\', 'CMCD=', '?', '&'), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), fc.array(part, { maxLength: 40 }), (query, field) => {
        const next = nextRequests(`/a/b?${query.join('')}`, field.join(''));
        expect(next.length).toBeLessThanOrEqual(3);
        for (const { target: one } of next) expect(one.startsWith('/')).toBe(true);
      }),
    );
  });
});

const playlist = (lines: readonly string[]): string => ['#EXTM3U', '#EXT-X-TARGETDURATION:2', ...lines].join('\n');

describe('HLS', () => {
  test('a live playlist with low latency', () => {
    const text = playlist([
      '#EXT-X-MAP:URI="init.mp4"',
      ...[1, 2, 3, 4].flatMap((at) => ['#EXTINF:2,', `${at}.m4s`]),
      '#EXT-X-PART:DURATION=0.5,URI="5.0.m4s",INDEPENDENT=YES',
      '#EXT-X-PART:DURATION=0.5,URI="5.1.m4s",GAP=YES',
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="5.2.m4s"',
    ]);
    const manifest = readHls(text, base);
    expect(manifest).toEqual({
      live: true,
      first: [''],
      playlists: [],
      tracks: [
        { id: '', init: '/a/b/init.mp4', segments: [1, 2, 3, 4].map((at) => `/a/b/${at}.m4s`), parts: ['/a/b/5.0.m4s', '/a/b/5.2.m4s'], segmentMs: 2000 },
      ],
    });
    const plan = (lowLatency: boolean) =>
      planManifest(manifest as never, { ahead: 2, lowLatency, isWatched: () => false }).map((one) => `${one.source} ${one.target}`);
    const whole = ['init.mp4', '2.m4s', '3.m4s', '4.m4s'].map((name) => `manifest /a/b/${name}`);
    expect(plan(false)).toEqual(whole);
    expect(plan(true)).toEqual([...whole, 'parts /a/b/5.0.m4s', 'parts /a/b/5.2.m4s']);
  });

  test('what has an end begins at its beginning; gaps, ranges and other hosts are left out', () => {
    const text = playlist([
      '#EXT-X-GAP',
      '#EXTINF:2,',
      'gap.m4s',
      ...['#EXTINF:2,', '1.m4s', '#EXTINF:2,', '#EXT-X-BYTERANGE:10@0', 'all.m4s', '#EXTINF:2,', 'https://evil.example/2.m4s', '#EXTINF:2,', '3.m4s'],
      '#EXT-X-ENDLIST',
    ]);
    const manifest = readHls(text, base);
    expect(manifest?.live).toBe(false);
    expect(planManifest(manifest as never, { ahead: 5, lowLatency: true, isWatched: () => false }).map(({ target }) => target)).toEqual([
      '/a/b/1.m4s',
      '/a/b/3.m4s',
    ]);
  });

  test('of a multivariant playlist the first rendition and its sound', () => {
    const text = [
      '#EXTM3U',
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",DEFAULT=YES,URI="audio.m3u8"',
      ...['#EXT-X-STREAM-INF:BANDWIDTH=1', '720p.m3u8', '#EXT-X-STREAM-INF:BANDWIDTH=2', '1080p.m3u8'],
    ].join('\n');
    expect(readHls(text, base)?.playlists).toEqual(['/a/b/720p.m3u8', '/a/b/audio.m3u8']);
  });

  test.each(['', '<html>', 'EXTM3U'])('no playlist: %j', (text) => expect(readHls(text, base)).toBeUndefined());

  test('a million lines are read, and few are kept', () => {
    const manifest = readHls(playlist(Array.from({ length: 200_000 }, (_, at) => `${at}`)), base);
    expect(manifest?.tracks[0]?.segments.length).toBe(5000);
    expect(manifest?.tracks[0]?.segments.at(-1)).toBe('/a/b/199999');
  });
});

const mpd = (attributes: string, inner: string): string => `<?xml version="1.0"?><!-- <S d="1"/> --><MPD ${attributes}>${inner}</MPD>`;
const dashBase = { target: '/d/x/manifest.mpd', host: 'media.example' };

describe('DASH', () => {
  test('a timeline above its representations, BaseURLs, and two kinds', () => {
    const text = mpd(
      'type="static" mediaPresentationDuration="PT10S"',
      `<BaseURL>media/</BaseURL><Period>
        <AdaptationSet contentType="video"><SegmentTemplate timescale="10" startNumber="7" initialization="$RepresentationID$/i.mp4" media="$RepresentationID$/$Number%03d$-$Time$.m4s">
          <SegmentTimeline><S t="0" d="20" r="2"/><S d="5"/></SegmentTimeline></SegmentTemplate>
          <Representation id="lo" bandwidth="1"/><Representation id="hi" bandwidth="2"><BaseURL>hd/</BaseURL></Representation></AdaptationSet>
        <AdaptationSet><Representation id="au" bandwidth="9"><SegmentTemplate timescale='1' duration='4' media='$Bandwidth$/$Number$.m4a'/></Representation></AdaptationSet>
      </Period>`,
    );
    const manifest = readDash(text, dashBase, 0);
    const timed = ['007-0', '008-20', '009-40', '010-60'];
    expect(manifest).toEqual({
      live: false,
      playlists: [],
      first: ['lo', 'au'],
      tracks: [
        { id: 'lo', init: '/d/x/media/lo/i.mp4', segments: timed.map((name) => `/d/x/media/lo/${name}.m4s`), parts: [], segmentMs: 500 },
        { id: 'hi', init: '/d/x/media/hd/hi/i.mp4', segments: timed.map((name) => `/d/x/media/hd/hi/${name}.m4s`), parts: [], segmentMs: 500 },
        { id: 'au', init: undefined, segments: [1, 2, 3].map((at) => `/d/x/media/9/${at}.m4a`), parts: [], segmentMs: 4000 },
      ],
    });
    expect(planManifest(manifest as never, { ahead: 1, lowLatency: false, isWatched: (id) => id === 'hi' }).map(({ target }) => target)).toEqual([
      '/d/x/media/hd/hi/i.mp4',
      '/d/x/media/hd/hi/007-0.m4s',
    ]);
  });

  test('what is counted and live ends where the clock is', () => {
    const text = mpd(
      'type="dynamic" availabilityStartTime="2026-11-27T00:00:00Z"',
      '<Period start="PT10S"><AdaptationSet><SegmentTemplate timescale="1" duration="2" startNumber="100" media="$Number$.m4s"/><Representation id="v"/></AdaptationSet></Period>',
    );
    const nowMs = Date.UTC(2026, 10, 27, 0, 1, 11);
    expect(readDash(text, dashBase, nowMs)?.tracks[0]?.segments.at(-1)).toBe('/d/x/129.m4s');
    expect(readDash(text, dashBase, 0)?.tracks[0]?.segments).toEqual([]);
  });

  test.each([
    ['PT1H2M3.5S', 3723.5],
    ['P1DT1S', 86_401],
    ['1s', undefined],
  ])('duration %s', (text, seconds) => expect(durationSec(text)).toBe(seconds));

  test('dates are those of the clock', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('1970-01-01'), max: new Date('2400-01-01'), noInvalidDate: true }), (date) =>
        expect(dateTimeMs(date.toISOString())).toBeCloseTo(date.getTime(), 3),
      ),
    );
  });

  test('hostile texts end, and give nothing that leaves the host', () => {
    const bits = [
      '<S d="1" r="-1"/>',
      '<S d="0" r="999999999"/>',
      '<S d="1" r="999999999"/>',
      '<Period>',
      '</Period>',
      '<AdaptationSet>',
      '<Representation id="r">',
    ];
    const more = [
      '</Representation>',
      '<SegmentTemplate media="$Number%99d$" duration="1">',
      '<SegmentTemplate media="http://evil.example/$Time$">',
      '<SegmentTimeline>',
    ];
    const other = [
      '<BaseURL>//evil.example/',
      '<!--',
      '-->',
      '<',
      '"',
      '<a b="',
      '&amp;',
      '</SegmentTemplate>',
      '<SegmentTemplate media="$Foo$/$Number$" duration="1"/>',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...bits, ...more, ...other), { maxLength: 60 }), (pieces) => {
        const manifest = readDash(`<MPD mediaPresentationDuration="PT99999999H">${pieces.join('')}`, dashBase, 0);
        for (const track of manifest?.tracks ?? []) {
          expect(track.segments.length).toBeLessThanOrEqual(5000);
          expect(track.init ?? '').not.toContain('evil');
          for (const segment of track.segments.slice(0, 3)) expect(segment).not.toContain('evil');
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('what follows what', () => {
  const manifest = (segments: readonly string[], live = false) => ({
    live,
    first: ['v'],
    playlists: [],
    tracks: [{ id: 'v', init: undefined, segments, parts: [], segmentMs: live ? 2000 : undefined }],
  });
  const init = { manifestsMax: 2, segmentsMax: 20, activeMs: 1000 };

  test('the segments behind one, and whether somebody watches', () => {
    const tracks = new TrackMemory(init);
    tracks.note('m', manifest(['/1', '/2', '/3']), (target) => `k${target}`, 0);
    expect(tracks.isWatched('m', 'v', 0)).toBe(false);
    expect(tracks.following('k/1', 5, 10)).toEqual(['k/2', 'k/3']);
    expect(tracks.following('k/9', 5, 10)).toEqual([]);
    expect(tracks.isWatched('m', 'v', 1009)).toBe(true);
    tracks.note('m', manifest(['/2', '/3', '/4']), (target) => `k${target}`, 0);
    expect(tracks.isWatched('m', 'v', 1009)).toBe(true);
    expect(tracks.following('k/1', 5, 10)).toEqual([]);
    expect(tracks.isWatched('m', 'v', 2000)).toBe(false);
  });

  const numbered = (from: number, to: number) =>
    manifest(
      Array.from({ length: to - from + 1 }, (_, at) => `/${from + at}`),
      true,
    );
  const same = (target: string): string => target;

  test('what a live rendition will have next, when it is due, and one at a time', () => {
    const tracks = new TrackMemory(init);
    tracks.note('m', numbered(7, 9), same, 10_000);
    tracks.following('/8', 2, 10_100);
    // One alone says nothing about where somebody goes.
    expect(tracks.foresee('/8', 10_100)).toBeUndefined();
    tracks.following('/9', 2, 10_200);
    expect(tracks.foresee('/9', 10_200)).toEqual({ key: '/10', dueMs: 12_020 });
    expect(tracks.foresee('/9', 10_300)).toBeUndefined();
    tracks.arrived('/10', true);
    expect(tracks.following('/9', 2, 12_000)).toEqual(['/10']);
    tracks.following('/10', 2, 12_100);
    expect(tracks.foresee('/10', 12_100)).toEqual({ key: '/11', dueMs: 14_020 });
    // Not there when it was due: so the next are later.
    tracks.arrived('/11', false);
    tracks.following('/11', 2, 14_500);
    expect(tracks.foresee('/11', 14_500)).toEqual({ key: '/12', dueMs: 16_270 });
    // The playlist names it before: from then on they are due as it says.
    tracks.note('m', numbered(9, 12), same, 15_800);
    tracks.following('/12', 2, 15_900);
    expect(tracks.foresee('/12', 15_900)).toEqual({ key: '/13', dueMs: 17_820 });
    // What was foreseen stays although the playlist does not name it yet.
    tracks.arrived('/13', true);
    tracks.note('m', numbered(9, 12), same, 17_800);
    expect(tracks.following('/12', 2, 17_900)).toEqual(['/13']);
  });

  test('nothing of what is over, nor where names are not counted, nor far behind', () => {
    const tracks = new TrackMemory({ ...init, manifestsMax: 9, segmentsMax: 100 });
    tracks.note('over', manifest(['/a/1', '/a/2', '/a/3']), same, 0);
    tracks.note('named', manifest(['/b/x', '/b/y', '/b/z'], true), same, 0);
    tracks.note('leaps', manifest(['/c/1', '/c/2', '/c/9'], true), same, 0);
    tracks.note('long', numbered(1, 9), same, 0);
    for (const [second, third] of [
      ['/a/2', '/a/3'],
      ['/b/y', '/b/z'],
      ['/c/2', '/c/9'],
      ['/2', '/3'],
    ] as const) {
      tracks.following(second, 1, 0);
      tracks.following(third, 1, 0);
      expect([third, tracks.foresee(third, 0)]).toEqual([third, undefined]);
    }
  });

  test.each([
    ['/s/8.m4s', '/s/9.m4s', '/s/10.m4s', '/s/11.m4s'],
    ['/s1/c-00098.m4s', '/s1/c-00099.m4s', '/s1/c-00100.m4s', '/s1/c-00101.m4s'],
    ['/t/900000.m4s?v=2', '/t/990000.m4s?v=2', '/t/1080000.m4s?v=2', '/t/1170000.m4s?v=2'],
    ['/s/1.m4s', '/s/2.m4s', '/s/4.m4s', undefined],
    ['/s/3.m4s', '/s/2.m4s', '/s/1.m4s', undefined],
    ['/s/1/1.m4s', '/s/2/2.m4s', '/s/3/3.m4s', undefined],
    ['/s/1.m4s', '/s/2.ts', '/s/3.m4s', undefined],
    ['/s/x', '/s/x', '/s/x', undefined],
    ['/s/1.m4s?t=abc1', '/s/2.m4s?t=xyz7', '/s/3.m4s?t=qq', undefined],
  ])('after %s, %s, %s comes %s', (first, second, third, next) => expect(nameAfter(first, second, third)).toBe(next));

  test('is bounded in manifests and in segments', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 30 }), fc.boolean()), { maxLength: 30 }), (notes) => {
        const tracks = new TrackMemory(init);
        for (const [name, count, live] of notes) {
          tracks.note(
            `m${name}`,
            manifest(
              Array.from({ length: count }, (_, at) => `/${name}/${at}`),
              live,
            ),
            (target) => target,
            0,
          );
          const foreseen = tracks.following(`/${name}/${count - 1}`, 1, 0).length === 0 ? tracks.foresee(`/${name}/${count - 1}`, 0) : undefined;
          if (foreseen !== undefined && count % 2 === 0) tracks.arrived(foreseen.key, true);
          expect(tracks.segments).toBeLessThanOrEqual(20);
        }
      }),
    );
  });
});

const limits: PrefetchLimits = {
  ...{ bytesPerSec: 1000, zoneBytesPerSec: 600, runningMax: 3, zoneRunningMax: 2, demandMax: 5, waitingMax: 4, waitMaxMs: 1000, againAfterMs: 100 },
};
const wish = (key: string, zone = 'a', source: Wish['source'] = 'manifest'): Wish => ({ key, zone, source, range: undefined });

describe('the budget', () => {
  test('a debt is paid before anything begins', () => {
    const budget = new ByteBudget(100, 1);
    expect(budget.allows(0)).toBe(true);
    budget.spend(350);
    expect(budget.allowsAtMs(0)).toBe(2510);
    expect(budget.allows(2499)).toBe(false);
    expect(budget.allows(2501)).toBe(true);
    expect(budget.allows(2000)).toBe(true);
  });
});

describe('the prefetcher', () => {
  test('each thing once, some at a time, others of other zones meanwhile', () => {
    const prefetcher = new Prefetcher(limits);
    expect(['1', '1', '2', '3'].map((key) => prefetcher.wish(wish(key), 0))).toEqual([true, false, true, true]);
    prefetcher.wish(wish('4', 'b'), 0);
    expect(prefetcher.wish(wish('5'), 0)).toBe(false);
    expect([0, 1, 2, 3].map(() => prefetcher.next(0, 0)?.key)).toEqual(['1', '2', '4', undefined]);
    prefetcher.finished(wish('1'), 10, 1);
    expect(prefetcher.next(1, 6)).toBeUndefined();
    expect(prefetcher.next(1, 0)?.key).toBe('3');
    expect(prefetcher.wish(wish('1'), 50)).toBe(false);
    expect(prefetcher.wish(wish('1'), 101)).toBe(true);
  });

  test('what cost too much is waited for, and what waited too long is forgotten', () => {
    const prefetcher = new Prefetcher(limits);
    for (const key of ['1', '2']) prefetcher.wish(wish(key), 0);
    const first = prefetcher.next(0, 0) as Wish;
    prefetcher.finished(first, 1500, 0);
    expect(prefetcher.next(0, 0)).toBeUndefined();
    expect(prefetcher.nextDeadlineMs(0)).toBeGreaterThan(400);
    expect(prefetcher.next(900, 0)?.key).toBe('2');
    prefetcher.wish(wish('3'), 900);
    expect(prefetcher.next(2000, 0)).toBeUndefined();
    expect(prefetcher.waiting).toBe(0);
    expect(prefetcher.nextDeadlineMs(2000)).toBeUndefined();
  });

  test('a source that guesses badly is held back until it guesses better', () => {
    const meter = new PrecisionMeter();
    for (let at = 0; at < 29; at++) meter.note('cmcd', 'wasted');
    expect(meter.isHeldBack('cmcd')).toBe(false);
    for (let at = 0; at < 5; at++) meter.note('cmcd', 'wasted');
    expect(Array.from({ length: 20 }, () => meter.admits('cmcd')).filter(Boolean).length).toBe(2);
    expect(meter.admits('manifest')).toBe(true);
    for (let at = 0; at < 60; at++) meter.note('cmcd', 'used');
    expect(meter.admits('cmcd')).toBe(true);
  });

  test('never more at a time than it may, whatever happens', () => {
    const step = fc.record({
      do: fc.constantFrom('wish', 'next', 'finish'),
      key: fc.integer({ min: 0, max: 9 }).map(String),
      zone: fc.constantFrom('a', 'b', 'c'),
      bytes: fc.nat(900),
      afterMs: fc.nat(500),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const prefetcher = new Prefetcher(limits);
        const running: Wish[] = [];
        let nowMs = 0;
        for (const one of steps) {
          nowMs += one.afterMs;
          if (one.do === 'wish') prefetcher.wish(wish(`${one.zone}${one.key}`, one.zone), nowMs);
          if (one.do === 'next') {
            const next = prefetcher.next(nowMs, 0);
            if (next !== undefined) running.push(next);
          }
          if (one.do === 'finish' && running.length > 0) prefetcher.finished(running.shift() as Wish, one.bytes, nowMs);
          expect(running.length).toBeLessThanOrEqual(3);
          for (const zone of ['a', 'b', 'c']) expect(running.filter((other) => other.zone === zone).length).toBeLessThanOrEqual(2);
          expect(new Set(running.map(({ key }) => key)).size).toBe(running.length);
          expect(prefetcher.waiting).toBeLessThanOrEqual(4);
        }
      }),
    );
  });
});
