import { describe, expect, jest, test } from '@jest/globals';
import { edgeDrained, edgeRemoved, edgeResumed, type DomainEvent, type DraftEvent } from '#events';
import { replyHead, switched, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { closingWhileDraining } from './draining.ts';
import { readFleetSettings } from './fleet.config.ts';
import { LoadMeter } from './load-meter.ts';
import { Membership } from './membership.ts';
import { StandingBook } from './standing-book.ts';

const said = (draft: DraftEvent, origin?: string): DomainEvent => ({ ...draft, ...(origin === undefined ? {} : { origin }) }) as unknown as DomainEvent;
const about = (edgeId: string): { edgeId: string; reason: string } => ({ edgeId, reason: 'disks' });

describe('whether clients are sent to an edge', () => {
  test('follows what is decided about it and the edge whose process it is, and nobody else', () => {
    const book = new StandingBook(['edge-1.1', 'edge-1']);
    const membership = new Membership(book, false);
    const told: Array<string | undefined> = [];
    membership.onChange((outside) => told.push(outside));
    book.apply(said(edgeDrained.draft(about('edge-2'))));
    book.apply(said(edgeDrained.draft(about('edge-1')), 'south'));
    expect([membership.outside, told]).toEqual([undefined, []]);
    book.apply(said(edgeDrained.draft(about('edge-1'))));
    book.apply(said(edgeRemoved.draft(about('edge-1.1'))));
    book.apply(said(edgeResumed.draft(about('edge-1.1'))));
    book.apply(said(edgeResumed.draft(about('edge-1'))));
    expect(told).toEqual(['this edge is drained: disks', 'this edge is removed: disks', 'this edge is drained: disks', undefined]);
  });

  test('is known again from the disk, and told to those who come later', () => {
    const book = new StandingBook(['edge-1']);
    book.apply(said(edgeDrained.draft(about('edge-1'))));
    const next = new StandingBook(['edge-1']);
    next.restore([...book.entries, ['edge-9', { standing: 'removed', reason: '' }]]);
    const listener = jest.fn();
    new Membership(next, false).onChange(listener);
    expect(listener.mock.calls).toEqual([['this edge is drained: disks']]);
  });

  test('a key that is refused is none, one that nobody has looked at yet may be', () => {
    const membership = new Membership(new StandingBook(['edge-1']), true);
    expect([membership.key.is, membership.outside]).toEqual(['unproved', undefined]);
    membership.key = { is: 'refused', why: 'revoked' };
    expect(membership.outside).toBe('this edge is none of ours: revoked');
    membership.key = { is: 'proved' };
    expect(membership.outside).toBeUndefined();
  });
});

describe('an edge that drains', () => {
  const head = replyHead(200, [['connection', 'keep-alive'], ['etag', '"1"']]); // prettier-ignore
  const request = (scheme: 'http' | 'https'): EdgeRequest => ({ scheme }) as EdgeRequest;
  const answer = (reply: EdgeReply | Promise<EdgeReply>, init: { isOutside: boolean }, scheme: 'http' | 'https' = 'http') =>
    closingWhileDraining(() => reply, { isOutside: () => init.isOutside })(request(scheme));

  test.each([
    ['does not drain', { isOutside: false }, 'http', 'keep-alive'],
    ['drains', { isOutside: true }, 'http', 'close'],
    ['drains over TLS', { isOutside: true }, 'https', 'close'],
  ] as const)('%s', async (_what, init, scheme, connection) => {
    for (const reply of [{ head, body: null }, Promise.resolve({ head, body: null })]) {
      const { fields } = (await answer(reply, init, scheme)).head;
      expect(fields.filter(([name]) => name === 'connection')).toEqual([['connection', connection]]);
    }
  });

  test('leaves a connection that is the server’s no longer, and makes each head once', async () => {
    expect(await answer(switched, { isOutside: true })).toBe(switched);
    const handler = closingWhileDraining(() => ({ head, body: null }), { isOutside: () => true });
    expect((await handler(request('http'))).head).toBe((await handler(request('http'))).head);
  });
});

describe('the load of an edge', () => {
  test('is measured from one report to the next', async () => {
    let [nowMs, cpuUs, open] = [1000, 0, 20 as number | undefined];
    const meter = new LoadMeter({ now: () => nowMs, cpuUs: () => cpuUs, descriptors: () => Promise.resolve(open) });
    await meter.begin();
    [nowMs, cpuUs, open] = [3000, 700_000, 45];
    const gauges = { activeRequests: 2, diskBytes: 5, behindMs: 0, draining: false, sharedTier: null };
    expect(await meter.measure({ ...gauges, bytesServed: 1_000_000 })).toMatchObject({ ...gauges, connections: 25, bitsPerSecond: 4_000_000, cpu: 0.35 });
    [nowMs, open] = [5000, undefined];
    expect(await meter.measure({ ...gauges, bytesServed: 1_000_000 })).toMatchObject({ connections: null, bitsPerSecond: 0, cpu: 0 });
  });
});

describe('what an edge is told about itself', () => {
  const read = (env: Record<string, string>) => readFleetSettings(env, 'edge-1', 2);

  test('nothing, and everything', () => {
    expect(read({})).toEqual({
      key: undefined,
      node: 'edge-1',
      processes: 2,
      urls: [],
      addresses: [],
      location: null,
      bitsPerSecondMax: null,
      connectionsMax: null,
    });
    const all = {
      EDGE_LATITUDE: '52.37',
      EDGE_LONGITUDE: '-4.9',
      EDGE_URLS: 'https://e.example, http://e.example:81',
      EDGE_ADDRESSES: '192.0.2.1,2001:db8::1',
    };
    expect(read({ ...all, EDGE_CAPACITY_MBIT: '1000', EDGE_CAPACITY_CONNECTIONS: '5', EDGE_KEY: 'sk_k-1_secret' })).toMatchObject({
      location: { latitude: 52.37, longitude: -4.9 },
      urls: ['https://e.example', 'http://e.example:81'],
      addresses: ['192.0.2.1', '2001:db8::1'],
      bitsPerSecondMax: 1_000_000_000,
      connectionsMax: 5,
      key: 'sk_k-1_secret',
    });
  });

  test.each([
    [{ EDGE_LATITUDE: '91', EDGE_LONGITUDE: '0' }, 'EDGE_LATITUDE'],
    [{ EDGE_LATITUDE: 'north', EDGE_LONGITUDE: '0' }, 'EDGE_LATITUDE'],
    [{ EDGE_LATITUDE: '1' }, 'EDGE_LONGITUDE'],
    [{ EDGE_URLS: 'e.example' }, 'EDGE_URLS'],
    [{ EDGE_URLS: 'https://e.example/path' }, 'EDGE_URLS'],
    [{ EDGE_ADDRESSES: '192.0.2' }, 'EDGE_ADDRESSES'],
    [{ EDGE_KEY: 'a b' }, 'EDGE_KEY'],
  ])('%j is refused', (env, name) => expect(() => read(env)).toThrow(name));
});
