import { describe, expect, test } from '@jest/globals';
import { warmRequested, type DraftOf, type EventOf, type warmFinished } from '#events';
import { fieldValue } from '#core/http-cache';
import { gzipSync } from 'node:zlib';
import { createEdgeCache } from '../cache/edge-cache.ts';
import { EdgeCounters } from '../edge-counters.ts';
import type { OriginRequest } from '../origin/origin-client.ts';
import { sourceOfBytes } from '../server/exchange.ts';
import { locationsMax, readSitemap } from './sitemap.ts';
import { Warmer } from './warmer.ts';

type Finished = DraftOf<typeof warmFinished>['data'];
type Asked = DraftOf<typeof warmRequested>['data'];

const map = (inner: string): Uint8Array =>
  new TextEncoder().encode(`<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${inner}</urlset>`);
const page = (url: string): string => `<url><loc>${url}</loc><lastmod>2026-11-27</lastmod></url>`;

describe('sitemaps', () => {
  test('pages of their own host, plain and packed', async () => {
    const bytes = map(page('https://a.example/1?x=1&amp;y=2') + page('https://b.example/2') + page('ftp://a.example/3') + '<url><loc>nonsense</loc></url>');
    expect(await readSitemap(bytes, 'a.example')).toEqual({
      ...{ urls: ['https://a.example/1?x=1&y=2'], sitemaps: [], more: false, others: 3, firstOther: 'https://b.example/2' },
    });
    expect((await readSitemap(gzipSync(bytes), 'A.example')).urls.length).toBe(1);
  });

  test('an index', async () => {
    const bytes = new TextEncoder().encode('<sitemapindex><sitemap><loc>https://a.example/m1.xml</loc></sitemap></sitemapindex>');
    expect(await readSitemap(bytes, 'a.example')).toMatchObject({ urls: [], sitemaps: ['https://a.example/m1.xml'], others: 0 });
  });

  test('more than are read is told', async () => {
    const pages = Array.from({ length: locationsMax + 1 }, (_, at) => page(`https://a.example/${at}`)).join('');
    const listed = await readSitemap(map(pages), 'a.example');
    expect([listed.urls.length, listed.more]).toEqual([locationsMax, true]);
  });

  test('a bomb is no sitemap', async () => {
    await expect(readSitemap(gzipSync(Buffer.alloc(20_000_000)), 'a.example')).rejects.toThrow();
  });
});

type Answer = readonly [number, Readonly<Record<string, string>>, Uint8Array | string];

function bench(answers: Readonly<Record<string, Answer>>) {
  const asked: OriginRequest[] = [];
  const clock = { nowMs: 1_000_000 };
  const cache = createEdgeCache(
    { edgeId: 'e', memoryBytesMax: 10_000_000 },
    {
      client: {
        request: async (one) => {
          asked.push(one);
          const absent: Answer = [404, { 'cache-control': 'max-age=60' }, ''];
          const [status, fields, body] = answers[one.target] ?? absent;
          const whole = typeof body === 'string' ? new TextEncoder().encode(body) : body;
          const range = /^bytes=(\d+)-(\d+)$/.exec(fieldValue(one.fields, 'range') ?? '');
          if (range === null || fields['accept-ranges'] === undefined) return { status, fields: Object.entries(fields), body: sourceOfBytes(whole) };
          const [first, last] = [Number(range[1]), Math.min(whole.length - 1, Number(range[2]))];
          const of = { ...fields, 'content-range': `bytes ${first}-${last}/${whole.length}`, 'content-length': String(last - first + 1) };
          return { status: 206, fields: Object.entries(of), body: sourceOfBytes(whole.subarray(first, last + 1)) };
        },
        close: async () => undefined,
      },
      keep: (bytes) => ({ size: bytes.length, slice: () => ({}) as never, bytes }) as never,
      bytesOf: async (stored) => (stored as unknown as { bytes: Uint8Array }).bytes,
      counters: new EdgeCounters(),
      now: () => clock.nowMs,
      trust: () => ({ purgesKnown: true, doubtFreshMs: 2000 }),
      local: () => undefined,
      onError: () => undefined,
    },
  );
  const reports: Finished[] = [];
  const warmer = new Warmer(
    { edgeId: 'e', region: 'eu' },
    {
      ...{ cache, now: () => clock.nowMs, logger: { warn: () => undefined }, stopping: new AbortController().signal },
      bytesOf: async (stored) => (stored as unknown as { bytes: Uint8Array }).bytes,
      report: async ({ data }) => void reports.push(data),
      onFatal: (error) => expect(error).toBeUndefined(),
    },
  );
  const common = { warmId: 'wm-1', urls: [], sitemaps: [], regions: [], edges: [], perSecond: 1000, dryRun: false, part: 0, parts: 1, total: 0, reason: '' };
  const take = (some: Partial<Asked>, time = clock.nowMs) => warmer.take({ data: { ...common, ...some }, time } as EventOf<typeof warmRequested>);
  const reported = async (count = 1): Promise<Finished[]> => {
    while (reports.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
    return reports;
  };
  return { asked, cache, clock, reported, reports, take };
}

const cached = { 'cache-control': 'max-age=60' };

describe('warming', () => {
  test('fetches what is not there, tells what came of each, and what is there is not asked for again', async () => {
    const it = bench({ '/a': [200, cached, 'aaaa'], '/private': [200, { 'cache-control': 'private' }, 'x'], '/b': [200, cached, 'bb'] });
    it.take({ urls: ['/a', '/private', '/absent', '/b', 'nonsense'] });
    expect((await it.reported())[0]).toMatchObject({ warmId: 'wm-1', edgeId: 'e', region: 'eu', urls: 5, present: 0, fetched: 2, failed: 3, bytes: 6 });
    it.take({ urls: ['/a', '/b'] });
    expect((await it.reported(2))[1]).toMatchObject({ urls: 2, present: 2, fetched: 0, failed: 0 });
    expect(it.asked.length).toBe(4);
    it.clock.nowMs += 61_000;
    it.take({ urls: ['/a'] });
    expect((await it.reported(3))[2]).toMatchObject({ fetched: 1 });
  });

  test('says what failed, and why', async () => {
    const it = bench({
      '/private': [200, { 'cache-control': 'private' }, 'x'],
      '/cookie': [200, { 'cache-control': 'max-age=60', 'set-cookie': 'a=b' }, 'x'],
      '/lie': [200, { ...cached, 'content-length': '9' }, 'four'],
      '/down': [503, {}, 'no'],
      '/other.xml': [200, cached, map(page('http://elsewhere/1') + page('http://elsewhere/2') + page('http://h/1'))],
      '/page.xml': [200, cached, '<html></html>'],
      '/1': [200, cached, '1'],
    });
    it.take({
      urls: ['/private', '/cookie', '/absent', '/lie', '/down', '/api/v1/streams', 'nonsense'],
      sitemaps: ['http://h/other.xml', 'http://h/page.xml', 'http://h/none.xml'],
    });
    const [{ failures, ...counts } = { failures: [] }] = await it.reported();
    expect(counts).toMatchObject({ urls: 8, fetched: 1, failed: 10 });
    expect(Object.fromEntries(failures.map(({ reason, status, url }) => [url, [status, reason]]))).toEqual({
      '/private': [200, 'It is for one client alone (Cache-Control: private).'],
      '/cookie': [200, 'It sets a cookie.'],
      '/absent': [404, 'The origin answered with status 404.'],
      '/lie': [200, 'The origin promised 9 bytes and sent 4.'],
      '/down': [503, 'The origin answered with status 503.'],
      '/api/v1/streams': [null, 'The site says that it is never cached.'],
      nonsense: [null, 'It is no URL.'],
      'http://h/other.xml': [null, 'The sitemap lists 2 URLs that are not of h, and are left out: http://elsewhere/1'],
      'http://h/page.xml': [null, 'The sitemap lists no URL, if it is one.'],
      'http://h/none.xml': [404, 'The sitemap cannot be read: The answer has status 404.'],
    });
  });

  test('does not take for there what is kept of an error', async () => {
    const it = bench({ '/gone': [410, cached, 'gone'], '/a': [200, cached, 'a'] });
    for (let times = 1; times <= 2; times++) {
      it.take({ urls: ['/gone', '/a'] });
      const { failures, ...counts } = (await it.reported(times))[times - 1] as { failures: ReadonlyArray<{ status: number | null }> };
      expect(counts).toMatchObject({ urls: 2, present: times - 1, fetched: 2 - times, failed: 1 });
      expect(failures.map(({ status }) => status)).toEqual([410]);
    }
    expect(it.asked).toHaveLength(2);
  });

  test('tells of a hundred failures, and no more text than a record of the log takes', async () => {
    const it = bench({});
    it.take({ urls: Array.from({ length: 150 }, (_, at) => `/absent/${at}`), perSecond: 1e6 });
    const [short] = await it.reported();
    expect([short?.failed, short?.failures.length]).toEqual([150, 100]);
    it.take({ urls: Array.from({ length: 150 }, (_, at) => `/absent/${at}/${'x'.repeat(4000)}`), perSecond: 1e6 });
    const [, long] = await it.reported(2);
    expect(long?.failed).toBe(150);
    expect(long?.failures.length).toBeGreaterThan(10);
    expect(JSON.stringify(long).length).toBeLessThan(110_000);
  });

  test('brings all slices of what is kept in slices, and nothing that would drive out everything else', async () => {
    const large = { ...cached, 'accept-ranges': 'bytes', etag: '"1"' };
    const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);
    const film = bytes(4_000_000);
    const it = bench({
      '/film.mp4': [200, { ...large, 'content-length': '4000000' }, film],
      '/huge.mp4': [200, { ...large, 'content-length': '6000000' }, bytes(6_000_000)],
    });
    it.take({ urls: ['/film.mp4'] });
    expect((await it.reported())[0]).toMatchObject({ urls: 1, fetched: 1, failed: 0, bytes: 4_000_000 });
    const asked = it.asked.length;
    it.take({ urls: ['/film.mp4'] });
    expect((await it.reported(2))[1]).toMatchObject({ present: 1, fetched: 0 });
    expect(it.asked.length).toBe(asked);
    it.take({ urls: ['/huge.mp4'] });
    expect((await it.reported(3))[2]).toMatchObject({ failures: [{ url: '/huge.mp4', reason: expect.stringContaining('larger than what this edge keeps') }] });
  });

  test('parts are one, and reported at the last', async () => {
    const it = bench({ '/a': [200, cached, 'a'], '/b': [200, cached, 'b'] });
    it.take({ urls: ['/a'], parts: 2 });
    it.take({ urls: ['/b'], part: 1, parts: 2 });
    expect(await it.reported()).toEqual([expect.objectContaining({ urls: 2, fetched: 2 })]);
  });

  test('of a dry run nothing is fetched', async () => {
    const it = bench({ '/a': [200, cached, 'a'] });
    it.take({ urls: ['/a', '/b'], dryRun: true });
    expect((await it.reported())[0]).toMatchObject({ urls: 2, present: 0, fetched: 2, bytes: 0 });
    expect(it.asked).toEqual([]);
  });

  test('what is for other edges, or comes too late, is not done', async () => {
    const it = bench({ '/a': [200, cached, 'a'] });
    it.take({ urls: ['/a'], regions: ['us'] });
    it.take({ urls: ['/a'], edges: ['other'] });
    it.take({ urls: ['/a'], regions: ['eu'], edges: ['other'] });
    it.take({ urls: ['/a'] }, it.clock.nowMs - 700_000);
    it.take({ urls: ['/b'], regions: ['eu', 'us'], edges: ['e'] });
    expect(await it.reported()).toEqual([expect.objectContaining({ urls: 1, failed: 1 })]);
    expect(it.asked.map(({ target }) => target)).toEqual(['/b']);
  });

  test('an index of sitemaps leads to pages, and no further', async () => {
    const xml = { ...cached, 'content-type': 'application/xml' };
    const index = new TextEncoder().encode('<sitemapindex><sitemap><loc>http://h/m.xml.gz</loc></sitemap></sitemapindex>');
    const loop = gzipSync(
      Buffer.concat([map(page('http://h/1') + page('http://h/2')), new TextEncoder().encode('<sitemap><loc>http://h/map.xml</loc></sitemap>')]),
    );
    const it = bench({ '/map.xml': [200, xml, index], '/m.xml.gz': [200, xml, loop], '/1': [200, cached, '1'], '/2': [200, cached, '2'] });
    it.take({ sitemaps: ['http://h/map.xml', 'http://h/none.xml'] });
    expect((await it.reported())[0]).toMatchObject({ urls: 2, fetched: 2, failed: 1, failures: [{ url: 'http://h/none.xml', status: 404 }] });
    expect(it.asked.map(({ target }) => target).toSorted()).toEqual(['/1', '/2', '/m.xml.gz', '/map.xml', '/none.xml']);
  });
});
