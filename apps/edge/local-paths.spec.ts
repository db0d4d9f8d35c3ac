import { describe, expect, test } from '@jest/globals';
import { Health } from '#runtime';
import { localPaths } from './local-paths.ts';
import { aheadRequest } from './prefetch/ahead-request.ts';

describe('what an edge answers itself', () => {
  const local = localPaths({ edgeId: 'e', health: new Health(), status: () => ({ fills: 0 }) }, () => 0);
  const ask = async (target: string, clientAddress: string, method = 'GET') => local({ ...aheadRequest(target, []), clientAddress, method }, target);

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.2'])('its state is for this machine: %s', async (address) => {
    const reply = await ask('/edge-status', address);
    expect(reply?.head.status).toBe(200);
    expect(new TextDecoder().decode(reply?.body as Uint8Array)).toBe('{"fills":0}');
  });

  test.each(['GET', 'HEAD', 'POST'])('for all others there is none, and no origin is asked: %s', async (method) => {
    for (const target of ['/edge-status', '/edge-status?x=1']) {
      const reply = await ask(target, '192.0.2.2', method);
      expect([reply?.head.status, Object.fromEntries(reply?.head.fields ?? [])['cache-control']]).toEqual([404, 'no-store']);
    }
    expect(await ask('/edge-statuses', '192.0.2.2', method)).toBeUndefined();
  });
});
