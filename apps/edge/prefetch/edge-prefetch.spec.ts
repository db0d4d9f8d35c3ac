import { describe, expect, test } from '@jest/globals';
import { purgeTargets } from '#core/http-cache';
import type { TransitionModel, WishSource } from '#core/prefetch';
import { createEdgeCache } from '../cache/edge-cache.ts';
import { EdgeCounters } from '../edge-counters.ts';
import type { OriginRequest, OriginResponse } from '../origin/origin-client.ts';
import { isSource, type EdgeReply } from '../server/exchange.ts';
import { aheadRequest } from './ahead-request.ts';
import { readPrefetch } from './prefetch.config.ts';

type Fields = Readonly<Record<string, string>>;
type Answer = readonly [status: number | Promise<number>, fields: Fields, body: string | Promise<string>];

const once = (text: string | Promise<string>): OriginResponse['body'] => {
  let left: string | Promise<string> | undefined = text;
  return {
    read: async () => {
      const bytes = left === undefined ? undefined : new TextEncoder().encode(await left);
      left = undefined;
      return bytes;
    },
    cancel: () => undefined,
  };
};

const media: Fields = { 'cache-control': 'max-age=600', 'content-type': 'video/mp4' };
const playlistFields: Fields = { 'cache-control': 'max-age=1', 'content-type': 'application/vnd.apple.mpegurl' };
const live = (names: readonly string[]): string => ['#EXTM3U', ...names.flatMap((name) => ['#EXTINF:2,', name])].join('\n');

function edge(answers: Record<string, Answer>, memoryBytesMax = 10_000_000) {
  const asked: OriginRequest[] = [];
  const clock = { nowMs: 1_000_000 };
  const errors: unknown[] = [];
  const cache = createEdgeCache(
    { edgeId: 'e', memoryBytesMax, prefetch: readPrefetch({}, 'eu') },
    {
      client: {
        request: async (one) => {
          asked.push(one);
          const [status, fields, body] = answers[one.target] ?? [404, { 'cache-control': 'max-age=60' }, ''];
          return { status: await status, fields: Object.entries(fields), body: once(body) };
        },
        close: async () => undefined,
      },
      keep: (bytes) => ({ size: bytes.length, slice: () => ({}) as never }),
      bytesOf: async () => new Uint8Array(0),
      counters: new EdgeCounters(),
      now: () => clock.nowMs,
      trust: () => ({ purgesKnown: true, doubtFreshMs: 2000 }),
      local: () => undefined,
      onError: (error) => errors.push(error),
    },
  );
  const get = async (target: string, fields: Fields = {}): Promise<EdgeReply> => {
    const reply = await cache.handler(aheadRequest(target, Object.entries({ host: 'edge.example', ...fields })));
    if (isSource(reply.body)) while ((await reply.body.read()) !== undefined);
    return reply;
  };
  /** Lets everything happen that waits for nothing from outside. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const targets = (): string[] => asked.map((one) => one.target);
  const status = ({ head }: EdgeReply): string => head.fields.find(([name]) => name === 'cache-status')?.[1] ?? '';
  const counted = (source: WishSource = 'manifest') => cache.prefetch?.counters.of(source);
  return { answers, asked, cache, clock, counted, errors, get, settle, status, targets };
}

const segments = (count: number): Record<string, Answer> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`/l/${at}.m4s`, [200, media, `s${at}`] as const]));

describe('from manifests', () => {
  test('who watches live finds the newest segments, and each is asked for once', async () => {
    const it = edge({ ...segments(9), '/l/a.m3u8': [200, playlistFields, live(['0.m4s', '1.m4s', '2.m4s', '3.m4s'])] });
    await it.get('/l/a.m3u8');
    await it.settle();
    expect(it.targets()).toEqual(['/l/a.m3u8', '/l/1.m4s', '/l/2.m4s', '/l/3.m4s']);
    it.answers['/l/a.m3u8'] = [200, playlistFields, live(['1.m4s', '2.m4s', '3.m4s', '4.m4s'])];
    it.clock.nowMs += 2000;
    await it.get('/l/a.m3u8');
    await it.settle();
    expect(it.targets().slice(4)).toEqual(['/l/a.m3u8', '/l/4.m4s']);
    expect(it.status(await it.get('/l/4.m4s'))).toContain('e; hit');
    expect(it.counted()).toMatchObject({ fetched: 4, used: 1, wasted: 0 });
    expect(it.targets().length).toBe(6);
  });

  /** A live playlist of seconds, watched up to its end just before the next one is due. */
  const watched = async (next: Answer) => {
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n${live(['6.m4s', '7.m4s', '8.m4s'])}`;
    const it = edge({ ...segments(9), '/l/a.m3u8': [200, playlistFields, text], '/l/9.m4s': next });
    await it.get('/l/a.m3u8');
    await it.settle();
    await it.get('/l/7.m4s');
    it.clock.nowMs += 1015;
    await it.get('/l/8.m4s');
    while (!it.targets().includes('/l/9.m4s')) await new Promise((resolve) => setTimeout(resolve, 5));
    await it.settle();
    return it;
  };
  const asked = (it: { targets: () => string[] }, target: string): number => it.targets().filter((one) => one === target).length;

  test('what comes next is fetched when it is due, before a playlist names it', async () => {
    const it = await watched([200, media, 's9']);
    expect(it.status(await it.get('/l/9.m4s'))).toContain('e; hit');
    expect([asked(it, '/l/9.m4s'), it.targets().includes('/l/10.m4s')]).toEqual([1, false]);
    expect(it.counted()).toMatchObject({ fetched: 4, used: 3, wasted: 0 });
  });

  test('that it was not there yet is nothing to who asks a moment later, nor to who waited for it', async () => {
    const missing: Answer = [404, { 'cache-control': 'max-age=60' }, ''];
    const it = await watched(missing);
    it.answers['/l/9.m4s'] = [200, media, 's9'];
    expect((await it.get('/l/9.m4s')).head.status).toBe(200);
    expect(asked(it, '/l/9.m4s')).toBe(2);
    const gate = Promise.withResolvers<number>();
    const late = await watched([gate.promise, { 'cache-control': 'max-age=60' }, '']);
    const waiting = late.get('/l/9.m4s');
    await late.settle();
    expect(asked(late, '/l/9.m4s')).toBe(1);
    late.answers['/l/9.m4s'] = [200, media, 's9'];
    gate.resolve(404);
    expect((await waiting).head.status).toBe(200);
    expect(late.status(await late.get('/l/9.m4s'))).toContain('e; hit');
    expect(asked(late, '/l/9.m4s')).toBe(2);
    expect([...it.errors, ...late.errors]).toEqual([]);
  });

  test('of a film what comes after the segment that is played, and no more', async () => {
    const film = `${live(['0.m4s', '1.m4s', '2.m4s', '3.m4s', '4.m4s', '5.m4s', '6.m4s'])}\n#EXT-X-ENDLIST`;
    const it = edge({
      ...segments(9),
      '/l/a.m3u8': [200, playlistFields, film],
      '/l/master.m3u8': [200, playlistFields, '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8'],
    });
    await it.get('/l/master.m3u8');
    await it.settle();
    expect(it.targets()).toEqual(['/l/master.m3u8', '/l/a.m3u8', '/l/0.m4s', '/l/1.m4s']);
    expect(it.status(await it.get('/l/0.m4s'))).toContain('hit');
    await it.settle();
    expect(it.targets().slice(4)).toEqual(['/l/2.m4s']);
    // Somebody who jumps.
    await it.get('/l/5.m4s');
    await it.settle();
    expect(it.targets().slice(5)).toEqual(['/l/5.m4s', '/l/6.m4s']);
    expect(it.errors).toEqual([]);
  });

  test('a playlist of playlists that name each other ends', async () => {
    const master = (next: string): Answer => [200, playlistFields, `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${next}`];
    const it = edge({ '/l/a.m3u8': master('b.m3u8'), '/l/b.m3u8': master('c.m3u8'), '/l/c.m3u8': master('a.m3u8') });
    await it.get('/l/a.m3u8');
    await it.settle();
    expect(it.targets()).toEqual(['/l/a.m3u8', '/l/b.m3u8']);
  });

  test('nothing for who shows a credential, and nothing that is never cached', async () => {
    const it = edge({
      '/l/a.m3u8': [200, { ...playlistFields, 'cache-control': 'public, max-age=9' }, live(['/api/v1/streams', '1.m4s'])],
      '/l/1.m4s': [200, { 'cache-control': 'private' }, 'x'],
    });
    await it.get('/l/a.m3u8', { authorization: 'Bearer x' });
    await it.settle();
    expect(it.targets()).toEqual(['/l/a.m3u8']);
    it.clock.nowMs += 10_000;
    await it.get('/l/a.m3u8', { cookie: 'a=b' });
    await it.settle();
    expect(it.targets().slice(1)).toEqual(['/l/a.m3u8', '/l/1.m4s']);
    expect(it.asked.at(-1)?.fields.some(([name]) => name === 'cookie')).toBe(false);
    it.clock.nowMs += 10_000;
    await it.get('/l/a.m3u8');
    await it.settle();
    expect(
      it
        .targets()
        .slice(3)
        .filter((target) => target === '/l/1.m4s').length,
    ).toBeLessThanOrEqual(1);
    expect(it.cache.store.has('/l/1.m4s')).toBe(false);
  });

  test('what is not there yet is not remembered', async () => {
    const it = edge({ '/l/a.m3u8': [200, playlistFields, live(['1.m4s'])] });
    await it.get('/l/a.m3u8');
    await it.settle();
    expect(it.targets()).toEqual(['/l/a.m3u8', '/l/1.m4s']);
    it.answers['/l/1.m4s'] = [200, media, 'now'];
    expect((await it.get('/l/1.m4s')).head.status).toBe(200);
  });

  test('what is stale is not asked for again before somebody wants it', async () => {
    const it = edge({
      ...segments(2),
      '/l/1.m4s': [200, { 'cache-control': 'max-age=1', etag: '"1"' }, 'x'],
      '/l/a.m3u8': [200, playlistFields, live(['1.m4s'])],
    });
    for (let turn = 0; turn < 3; turn++) {
      await it.get('/l/a.m3u8');
      await it.settle();
      it.clock.nowMs += 10_000;
    }
    expect(it.targets().filter((target) => target === '/l/1.m4s').length).toBe(1);
  });

  test('what is under way when a purge comes is not stored', async () => {
    const gate = Promise.withResolvers<string>();
    const it = edge({ '/l/a.m3u8': [200, playlistFields, live(['1.m4s'])], '/l/1.m4s': [200, media, gate.promise] });
    await it.get('/l/a.m3u8');
    await it.settle();
    it.cache.ledger.purge(purgeTargets.all);
    gate.resolve('old');
    await it.settle();
    expect(it.cache.store.has('/l/1.m4s')).toBe(false);
  });

  test('who asks while it is on its way waits for it, and it is theirs', async () => {
    const gate = Promise.withResolvers<string>();
    const it = edge({ '/l/a.m3u8': [200, playlistFields, live(['1.m4s'])], '/l/1.m4s': [200, media, gate.promise] });
    await it.get('/l/a.m3u8');
    await it.settle();
    const answer = it.get('/l/1.m4s');
    await it.settle();
    gate.resolve('new');
    expect(it.status(await answer)).toContain('collapsed');
    expect(it.counted()).toMatchObject({ used: 1 });
    expect(it.targets().length).toBe(2);
    expect(it.status(await it.get('/l/1.m4s'))).toContain('hit');
    expect(it.counted()).toMatchObject({ used: 1 });
  });
});

describe('the memory', () => {
  test('what was asked for is not driven out, however much is fetched ahead', async () => {
    const big = 'x'.repeat(9000);
    const answers = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`/l/${at}.m4s`, [200, media, big] as const]));
    const it = edge({ ...answers, '/l/a.m3u8': [200, playlistFields, ''] }, 1_000_000);
    for (let at = 0; at < 80; at++) await it.get(`/l/${at}.m4s`);
    const held = Array.from({ length: 80 }, (_, at) => `/l/${at}.m4s`).filter((key) => it.cache.store.has(key));
    expect(held.length).toBe(80);
    for (let at = 100; at < 200; at += 3) {
      it.answers['/l/a.m3u8'] = [200, playlistFields, live([`${at}.m4s`, `${at + 1}.m4s`, `${at + 2}.m4s`])];
      it.clock.nowMs += 2000;
      await it.get('/l/a.m3u8');
      await it.settle();
    }
    expect(held.filter((key) => !it.cache.store.has(key))).toEqual([]);
    expect(it.counted()?.wasted).toBeGreaterThanOrEqual(30);
    // By then it guesses badly, and is held back.
    expect(it.counted()?.fetched).toBeLessThan(90);
    expect(it.cache.prefetch?.precision('manifest')).toBeLessThan(0.1);
    expect(it.cache.store.bytes).toBeLessThanOrEqual(1_000_000);
  });

  test('what is larger than its share is given up', async () => {
    const it = edge({ '/l/a.m3u8': [200, playlistFields, live(['1.m4s'])], '/l/1.m4s': [200, media, 'x'.repeat(20_000)] }, 1_000_000);
    await it.get('/l/a.m3u8');
    await it.settle();
    expect(it.cache.store.has('/l/1.m4s')).toBe(false);
    expect(it.cache.fills.running).toBe(0);
    expect((await it.get('/l/1.m4s')).head.status).toBe(200);
    expect(it.cache.store.has('/l/1.m4s')).toBe(true);
  });
});

describe('from players', () => {
  test('what they say comes next is fetched, by query and by field', async () => {
    const it = edge(segments(9));
    await it.get('/l/1.m4s?CMCD=nor%3D%222.m4s%22');
    await it.settle();
    await it.get('/l/2.m4s', { 'cmcd-request': 'nor="3.m4s"' });
    await it.settle();
    // The parameter is no part of the key.
    expect(it.targets().toSorted()).toEqual(['/l/1.m4s', '/l/2.m4s', '/l/3.m4s']);
    expect(it.counted('cmcd')).toMatchObject({ fetched: 2, used: 1 });
  });

  test('a part of what comes next', async () => {
    const it = edge({ ...segments(3), '/l/2.m4s': [206, { ...media, etag: '"2"', 'content-range': 'bytes 4-5/10' }, 'ab'] });
    await it.get('/l/1.m4s', { 'cmcd-request': 'nor="2.m4s",nrr="4-5"' });
    await it.settle();
    const fields = it.asked.find((one) => one.target === '/l/2.m4s')?.fields ?? [];
    expect(fields.find(([name]) => name === 'range')).toEqual(['range', 'bytes=4-5']);
    expect(it.status(await it.get('/l/2.m4s', { range: 'bytes=4-5' }))).toContain('hit');
  });

  test('elsewhere is nobody sent', async () => {
    const it = edge(segments(9));
    for (const nor of ['https://evil.example/x', '//evil.example/x', '/api/v1/x', '../../../x', '../api/v1/x'])
      await it.get('/l/1.m4s', { 'cmcd-request': `nor="${encodeURIComponent(nor)}"` });
    await it.settle();
    expect(it.targets()).toEqual(['/l/1.m4s']);
  });
});

describe('by a learned model', () => {
  const page: Fields = { 'cache-control': 'max-age=60', 'content-type': 'text/html' };
  const row = (...paths: readonly string[]) => paths.map((path) => ({ path, share: 0.9 }));
  const model: TransitionModel = {
    trainedAtMs: 1,
    rows: new Map([
      ['', new Map([['/a', row('/a.css', '/a.js')]])],
      ['eu/tv', new Map([['/a', row('/tv.css')]])],
      ['us/firefox', new Map([['/a', row('/us.css')]])],
    ]),
  };
  const firefox = { 'user-agent': 'Mozilla/5.0 Firefox/140.0' };
  const site = (more: Record<string, Answer> = {}) => {
    const assets = Object.fromEntries(['/a.css', '/a.js', '/tv.css', '/us.css'].map((path) => [path, [200, media, path] as const]));
    const it = edge({ '/a': [200, page, 'page'], ...assets, ...more });
    it.cache.prefetch?.foresight.use('', model);
    return it;
  };

  test('what follows a page is there when it is asked for, and was asked of the origin once', async () => {
    const it = site();
    await it.get('/a', firefox);
    await it.settle();
    expect(it.targets()).toEqual(['/a', '/a.css', '/a.js']);
    expect(it.status(await it.get('/a.css', firefox))).toContain('e; hit');
    expect(it.counted('model')).toMatchObject({ wished: 2, fetched: 2, used: 1, wasted: 0 });
    // The page itself from the cache leads to them, too.
    it.cache.purger.apply({ urls: ['/a.js'] });
    it.clock.nowMs += 6000;
    await it.get('/a', firefox);
    await it.settle();
    expect(it.targets()).toEqual(['/a', '/a.css', '/a.js', '/a.js']);
    expect(it.errors).toEqual([]);
  });

  test('to each audience its own', async () => {
    const it = site();
    await it.get('/a', { 'user-agent': 'Mozilla/5.0 (SMART-TV; Tizen 9.0)' });
    await it.settle();
    expect(it.targets()).toEqual(['/a', '/tv.css']);
  });

  test.each([
    ['a robot', { 'user-agent': 'ExampleBot/1.0' }],
    ['a program', { 'user-agent': 'curl/8.0' }],
    ['who shows a credential', { ...firefox, authorization: 'Bearer x' }],
  ])('nothing for %s', async (_who, fields) => {
    const it = site();
    await it.get('/a', fields);
    await it.settle();
    expect(it.targets()).toEqual(['/a']);
  });

  test('what it fetches is asked for without the cookies of who led to it, and what is private is not kept and counts as wasted', async () => {
    const it = site({ '/a.css': [200, { 'cache-control': 'private' }, 'x'] });
    await it.get('/a', { ...firefox, cookie: 'session=1' });
    await it.settle();
    expect(it.asked.slice(1).flatMap(({ fields }) => fields.filter(([name]) => name === 'cookie'))).toEqual([]);
    expect(it.cache.store.has('/a.css')).toBe(false);
    expect(it.counted('model')).toMatchObject({ fetched: 2, wasted: 1 });
  });

  test('one that is wrong is held back, until a better one comes; what nobody asked for in time counts against it', async () => {
    const it = site();
    const pages = Array.from({ length: 80 }, (_, at) => `/p${at}`);
    for (const path of pages) it.answers[path] = [200, page, path];
    for (const path of pages) it.answers[`${path}.css`] = [200, media, path];
    const wrong = (): TransitionModel => ({ trainedAtMs: 2, rows: new Map([['', new Map(pages.map((path) => [path, row(`${path}.css`)]))]]) });
    it.cache.prefetch?.foresight.use('', wrong());
    const look = async (from: number, to: number): Promise<number> => {
      const before = it.asked.length;
      for (const path of pages.slice(from, to)) {
        it.clock.nowMs += 1000;
        await it.get(path, firefox);
        await it.settle();
      }
      return it.asked.length - before - (to - from);
    };
    expect(await look(0, 40)).toBe(40);
    it.clock.nowMs += 301_000;
    expect(await look(40, 41)).toBe(1);
    expect(it.counted('model')).toMatchObject({ used: 0, wasted: 40 });
    expect(it.cache.prefetch?.foresight.state).toEqual({ models: 1, heldBack: 1 });
    expect(await look(41, 61)).toBe(2);
    it.cache.prefetch?.foresight.use('', wrong());
    expect(await look(61, 71)).toBe(10);
    it.cache.prefetch?.foresight.use('', undefined);
    expect(await look(71, 80)).toBe(0);
  });

  test('never in place of what was asked for', async () => {
    const big = 'x'.repeat(100_000);
    const assets = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`/big-${at}`, [200, media, big] as const]));
    const it = edge({ ...assets, '/a': [200, page, 'page'], '/kept': [200, media, big] }, 4_000_000);
    it.cache.prefetch?.foresight.use('', { trainedAtMs: 1, rows: new Map([['', new Map([['/a', row(...Object.keys(assets))]])]]) });
    await it.get('/kept', firefox);
    const { bytes } = it.cache.store;
    await it.get('/a', firefox);
    await it.settle();
    expect(it.cache.store.has('/kept')).toBe(true);
    expect(it.cache.store.bytes).toBeLessThan(bytes + 4_000_000 / 16 + 10_000);
  });
});
