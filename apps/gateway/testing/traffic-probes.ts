import { expect } from '@jest/globals';
import type { World } from './gateway.fixture.ts';
import { prefetchModelPublished } from '#events';
import { announceTraffic } from './traffic-facts.ts';
import type { TenantBench } from './webhook-probes.ts';

const path = '/api/v1/cdn/analytics';

/** Requests to a zone of a tenant's, a moment ago. */
export async function furnishTraffic(world: World, id: string): Promise<void> {
  const startMs = Date.now() - 60_000 - (Date.now() % 60_000);
  const host = id === 'globex' ? 'shop.theirs.example' : `shop.${id}.example`;
  const objects = [
    { path: `/${id}.js`, requests: 7 },
    { path: `/${id}-top.js`, requests: 3, host },
  ];
  const model = { number: 1, cid: `bafkrei${id.padEnd(52, 'a')}`, sizeBytes: 9, trainedAtMs: startMs, transitions: 3, learnedFrom: 9, triedOn: 9 };
  const drafts = [prefetchModelPublished.draft({ zone: `zn-of-${id}`, ...model, precision: 0.5, coverage: 0.5 })];
  await world.facts.publish('zone', drafts, { producer: { id: `models-${id}`, epoch: 1n }, tenant: id });
  await announceTraffic(world, { tenant: id, zone: `zn-of-${id}`, edgeId: `edge-${id === 'acme' ? 1 : 2}`, startMs, hits: id === 'acme' ? 5 : 50, objects });
}

/** What traffic keeps from other tenants. */
export function trafficProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  return {
    showTraffic: async () => {
      const { as, acme, expectNothingForeign, platform } = bench();
      for (const groupBy of ['zone', 'edge', 'region', 'status']) {
        const answer = await as(acme.headers, 'GET', `${path}/traffic?groupBy=${groupBy}`);
        expectNothingForeign(answer);
        expect(answer.json.totals.requests).toBe(5);
      }
      for (const filter of ['zone=zn-of-globex', 'tenant=globex', 'edge=edge-2'])
        expect((await as(acme.headers, 'GET', `${path}/traffic?${filter}`)).json.totals.requests).toBe(0);
      expect((await as(platform, 'GET', `${path}/traffic`)).json.totals.requests).toBe(55);
    },
    listPrefetchModels: async () => {
      const { as, acme, expectNothingForeign, platform } = bench();
      const answer = await as(acme.headers, 'GET', '/api/v1/cdn/prefetch/models');
      expectNothingForeign(answer);
      expect(answer.json.items).toMatchObject([{ zone: 'zn-of-acme', number: 1, transitions: 3 }]);
      expect((await as(platform, 'GET', '/api/v1/cdn/prefetch/models')).json.items).toHaveLength(2);
    },
    showPopularObjects: async () => {
      const { as, acme, expectNothingForeign } = bench();
      const answer = await as(acme.headers, 'GET', `${path}/objects`);
      expectNothingForeign(answer);
      expect(answer.json.items).toMatchObject([
        { path: '/acme.js', requests: 7 },
        { path: '/acme-top.js', requests: 3 },
      ]);
      expect((await as(acme.headers, 'GET', `${path}/objects?zone=zn-of-globex`)).json.items).toEqual([]);
    },
  };
}
