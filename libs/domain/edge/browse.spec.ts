import { describe, expect, test } from '@jest/globals';
import { prefetchModelPublished, requestsServed, type DomainEvent, type EventOf } from '#events';
import { compareText, foldChanges } from '#kernel';
import fc from 'fast-check';
import { browseOf, readBrowse } from './browse.codec.ts';
import { browsingProjection, prefetchModelsProjection } from './prefetch.projection.ts';

type Request = EventOf<typeof requestsServed>['data']['requests'][number];

const startMs = 1_790_000_000_000;
const line = (more: Partial<Request> = {}): Request => ({
  ...{ at: startMs, zone: 'zn-1', host: 'www.shop.test', method: 'GET', path: '/a', status: 200, bytes: 9, durationMs: 1, cache: 'hit' },
  ...{ complete: true, contentType: 'text/html', client: 'q8', agent: 'firefox' },
  ...more,
});
const served = (requests: readonly Request[]) => ({ edgeId: 'e', region: 'eu', incarnation: 1, sampleRate: 0.5, dropped: 0, requests: [...requests] });
const visitsOf = (...requests: readonly Request[]) => {
  const browse = browseOf(served(requests));
  return browse === undefined ? [] : readBrowse(browse.text, browse.fromMs);
};

describe('who asked for what after what', () => {
  test('by client, program and host, in order, whatever order lines come in', () => {
    const visits = visitsOf(
      line({ at: startMs + 40, path: '/a.css', cache: 'revalidated' }),
      line({ cache: 'miss' }),
      line({ at: startMs + 7, client: 'Zk', zone: null, path: '/live' }),
      line({ at: startMs + 9, host: 'img.shop.test', path: '/b' }),
    );
    expect(visits).toEqual([
      {
        ...{ zone: 'zn-1', client: 'q8 www.shop.test firefox', agent: 'firefox' },
        steps: [
          { atMs: startMs, path: '/a', cached: false },
          { atMs: startMs + 40, path: '/a.css', cached: true },
        ],
      },
      { zone: null, client: 'Zk www.shop.test firefox', agent: 'firefox', steps: [{ atMs: startMs + 7, path: '/live', cached: true }] },
      { zone: 'zn-1', client: 'q8 img.shop.test firefox', agent: 'firefox', steps: [{ atMs: startMs + 9, path: '/b', cached: true }] },
    ]);
  });

  test.each<[string, Partial<Request>]>([
    ['another method', { method: 'POST' }],
    ['a failure', { status: 404 }],
    ['a part', { status: 206 }],
    ['what was broken off', { complete: false }],
    ['a robot', { agent: 'bot' }],
    ['a program', { agent: 'tool' }],
    ['film', { contentType: 'video/mp4' }],
    ['a playlist', { contentType: 'application/vnd.apple.mpegurl' }],
    ['what is never cached, and is no page', { cache: 'pass', contentType: 'application/json' }],
    ['an error of the edge', { cache: 'error' }],
    ['the API', { path: '/api/v1/streams' }],
    ['a path that was cut', { path: `/${'a'.repeat(1023)}` }],
    ['what no browser sends', { path: '/a b' }],
    ['what is no path', { path: 'http://else.test/' }],
  ])('%s tells nothing', (_what, more) => {
    expect(visitsOf(line(more))).toEqual([]);
  });

  test('a page that is never cached leads to what is, and is known as one that is not', () => {
    expect(visitsOf(line({ cache: 'pass' }))[0]?.steps).toEqual([{ atMs: startMs, path: '/a', cached: false }]);
  });

  test('what is read is what was written', () => {
    const some = fc.record({
      at: fc.integer({ min: startMs, max: startMs + 10_000 }),
      path: fc.webPath().map((path) => `/${path.replaceAll(/[^\x21-\x7e]|#/g, '')}`),
      client: fc.constantFrom('a', 'b', 'c'),
      cache: fc.constantFrom('hit', 'miss'),
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 30 }), (lines) => {
        const told = lines.map((one) => line(one as Partial<Request>)).filter(({ path }) => !path.startsWith('/api/'));
        const read = visitsOf(...told).flatMap(({ client, steps }) => steps.map(({ atMs, cached, path }) => `${client[0]} ${atMs} ${path} ${cached}`));
        expect(read.toSorted()).toEqual(told.map(({ at, cache, client, path }) => `${client} ${at} ${path} ${cache === 'hit'}`).toSorted());
      }),
    );
  });
});

const event = (type: string, data: object, id: string, time: number): DomainEvent =>
  ({ type, data, id, time, tenant: 'acme', subject: 's', streamVersion: 1n }) as unknown as DomainEvent;

describe('the read models', () => {
  const model = (number: number, time: number): DomainEvent =>
    event(prefetchModelPublished.type, { ...(prefetchModelPublished.samples[0] as object), number }, `id-${number}-${time}`, time);
  const batch = (at: number): DomainEvent => event(requestsServed.type, served([line({ at: startMs + at })]), `batch-${at}`, startMs + at);

  test('rows are the same in whatever order, and however often, events come', () => {
    const events = [batch(1), batch(2), batch(3), model(1, 10), model(2, 20)];
    const all = [browsingProjection, prefetchModelsProjection];
    const rows = (some: readonly DomainEvent[]) =>
      foldChanges(
        all.flatMap(({ tables }) => tables),
        some.flatMap((one) => all.flatMap(({ handles, project }) => (handles.includes(one.type) ? project(one) : []))),
      )
        .map(({ table, key, set }) => ({ table, key, set }))
        .toSorted((a, b) => compareText(String(a.key['event_id']), String(b.key['event_id'])));
    const right = rows(events);
    expect(right.filter(({ table }) => table === 'browse_batch')).toHaveLength(3);
    expect(right.find(({ table }) => table === 'prefetch_model')?.set['number']).toBe(2n);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 4 }), { maxLength: 8 }), fc.shuffledSubarray(events, { minLength: 5 }), (again, order) => {
        expect(rows([...order, ...again.map((at) => events[at] as DomainEvent)])).toEqual(right);
      }),
    );
  });

  test('an event that tells nothing is no row', () => {
    expect(browsingProjection.project(event(requestsServed.type, served([line({ agent: 'bot' })]), 'x', 1))).toEqual([]);
  });
});
