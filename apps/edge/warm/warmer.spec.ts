import { describe, expect, test } from '@jest/globals';
import { warmRequested, type DraftOf, type EventOf, type warmFinished } from '#events';
import { gzipSync } from 'node:zlib';
import { createEdgeCache } from '../cache/edge-cache.ts';
import { EdgeCounters } from '../edge-counters.ts';
import type { OriginRequest } from '../origin/origin-client.ts';
import { readSitemap } from './sitemap.ts';
import { Warmer } from './warmer.ts';

type Finished = DraftOf<typeof warmFinished>['data'];
type Asked = DraftOf<typeof warmRequested>['data'];

const map = (inner: string): Uint8Array =>
  new TextEncoder().encode(`<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${inner}</urlset>`);
const page = (url: string): string => `<url><loc>${url}</loc><lastmod>2026-11-27</lastmod></url>`;

describe('sitemaps', () => {
  test('pages of their own host, plain and packed', async () => {
    const bytes = map(page('https://a.example/1?x=1&amp;y=2') + page('https://b.example/2') + page('ftp://a.example/3') + '<url><loc>nonsense</loc></url>');
    expect(await readSitemap(bytes, 'a.example')).toEqual({ urls: ['https://a.example/1?x=1&y=2'], sitemaps: [] });
    expect((await readSitemap(gzipSync(bytes), 'A.example')).urls.length).toBe(1);
  });

  test('an index', async () => {
    const bytes = new TextEncoder().encode('<sitemapindex><sitemap><loc>https://a.example/m1.xml</loc></sitemap></sitemapindex>');
    expect(await readSitemap(bytes, 'a.example')).toEqual({ urls: [], sitemaps: ['https://a.example/m1.xml'] });
  });

  test('a bomb is no sitemap', async () => {
    await expect(readSitemap(gzipSync(Buffer.alloc(20_000_000)), 'a.example')).rejects.toThrow();
  });
});

function bench(answers: Readonly<Record<string, readonly [number, Readonly<Record<string, string>>, Uint8Array | string]>>) {
  const asked: OriginRequest[] = [];
  const clock = { nowMs: 1_000_000 };
  const cache = createEdgeCache(
    { edgeId: 'e', memoryBytesMax: 10_000_000 },
    {
      client: {
        request: async (one) => {
          asked.push(one);
          const [status, fields, body] = answers[one.target] ?? [404, { 'cache-control': 'max-age=60' }, ''];
          let left: Uint8Array | undefined = typeof body === 'string' ? new TextEncoder().encode(body) : body;
          const read = async () => {
            const bytes = left;
            left = undefined;
            return bytes;
          };
          return { status, fields: Object.entries(fields), body: { read, cancel: () => undefined } };
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
    expect((await it.reported())[0]).toMatchObject({ urls: 2, fetched: 2, failed: 1 });
    expect(it.asked.map(({ target }) => target).toSorted()).toEqual(['/1', '/2', '/m.xml.gz', '/map.xml', '/none.xml']);
  });
});
