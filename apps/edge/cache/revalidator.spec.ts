import { describe, expect, test } from '@jest/globals';
import { EdgeCounters } from '../edge-counters.ts';
import type { OriginRequest } from '../origin/origin-client.ts';
import { notTunnelled, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { createEdgeCache } from './edge-cache.ts';
import { Revalidator } from './revalidator.ts';

function edge(perSecond: number) {
  const asked: OriginRequest[] = [];
  const clock = { nowMs: 1_000_000, version: 'a' };
  const now = (): number => clock.nowMs;
  const answer = (one: OriginRequest) => {
    asked.push(one);
    const etag = `"${clock.version}"`;
    const known = one.fields.some(([name, value]) => name === 'if-none-match' && value === etag);
    const fields: [string, string][] = [
      ['cache-control', 'max-age=3600'],
      ['vary', 'accept-encoding'],
      ...(one.target.startsWith('/plain') ? [] : [['etag', etag] as [string, string]]),
    ];
    return { status: known ? 304 : 200, fields, body: null };
  };
  const cache = createEdgeCache(
    { edgeId: 'e', memoryBytesMax: 1_000_000 },
    {
      client: { request: async (one) => answer(one), close: async () => undefined },
      keep: (bytes) => ({ size: bytes.length, slice: () => ({}) as never }),
      bytesOf: async () => new Uint8Array(0),
      ...{ counters: new EdgeCounters(), now, local: () => undefined },
      trust: () => ({ purgesKnown: true, doubtFreshMs: 2000 }),
      onError: (error) => {
        throw error;
      },
    },
  );
  const fields: Record<string, string> = { host: 'edge.example', 'accept-encoding': 'gzip' };
  const get = async (target: string): Promise<EdgeReply> =>
    cache.handler({
      ...{ method: 'GET', target, field: (name) => fields[name], fields: () => Object.entries(fields), contentLength: undefined, version: '1.1' },
      ...{ hasBody: false, clientAddress: '127.0.0.1', scheme: 'http', gone: new AbortController().signal, body: () => undefined },
      ...{ allowSilence: () => undefined, tunnel: async () => notTunnelled },
    } as EdgeRequest);
  const revalidator = new Revalidator({ perSecond }, { ...cache, now });
  const round = async (): Promise<void> => {
    await revalidator.round();
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { asked, clock, get, revalidator, round };
}

describe('revalidation of what many ask for', () => {
  const popular = async (get: (target: string) => Promise<unknown>, ...targets: string[]): Promise<void> => {
    for (const target of targets) for (let at = 0; at < 4; at++) await get(target);
  };

  test('confirms what holds, replaces what changed, and leaves alone what few ask for or the origin spoke of lately', async () => {
    const { asked, clock, get, revalidator, round } = edge(10);
    await popular(get, '/popular', '/plain');
    await get('/rare');
    await round();
    expect(asked).toHaveLength(3);
    clock.nowMs += 30_000;
    await round();
    expect(asked.slice(3).map(({ target }) => target)).toEqual(['/popular']);
    expect(Object.fromEntries(asked[3]?.fields ?? [])).toMatchObject({ 'if-none-match': '"a"', 'accept-encoding': 'gzip' });
    await round();
    clock.nowMs += 30_000;
    await round();
    // Nobody asked for it since.
    expect([asked.length, revalidator.counts]).toEqual([4, { asked: 1, confirmed: 1, changed: 0, failed: 0 }]);
    await popular(get, '/popular');
    clock.version = 'b';
    await round();
    expect(revalidator.counts).toEqual({ asked: 2, confirmed: 1, changed: 1, failed: 0 });
    expect(Object.fromEntries((await get('/popular')).head.fields)).toMatchObject({ etag: '"b"', 'cache-status': expect.stringContaining('hit') });
    expect(asked).toHaveLength(5);
  });

  test('stays within its budget, and comes to all', async () => {
    const { asked, clock, get, round } = edge(2);
    const targets = ['/1', '/2', '/3', '/4', '/5'];
    await popular(get, ...targets);
    clock.nowMs += 30_000;
    for (const expected of [7, 9, 10, 10]) {
      await round();
      expect(asked).toHaveLength(expected);
    }
    expect(
      asked
        .slice(5)
        .map(({ target }) => target)
        .toSorted(),
    ).toEqual(targets);
  });
});
