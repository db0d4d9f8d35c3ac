import { expect } from '@jest/globals';
import type { TenantBench } from './webhook-probes.ts';

const path = '/api/v1/cdn/warm';

/** What warmings keep from other tenants. */
export function warmProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  return {
    warmCache: async () => {
      const { as, acme, expectNothingForeign } = bench();
      for (const url of ['https://shop.theirs.example/a.js', 'https://x.wild.theirs.example/sitemap.xml']) {
        for (const body of [{ urls: ['https://shop.acme.example/a.js', url] }, { sitemaps: [url] }]) {
          const answer = await as(acme.headers, 'POST', path, body);
          expect(answer.status).toBe(404);
          expectNothingForeign(answer);
        }
      }
      expect((await as(acme.headers, 'POST', path, { urls: ['https://shop.acme.example/a.js'] })).status).toBe(202);
    },
    showWarm: async () => {
      const { as, acme, globex } = bench();
      const { warmId } = (await as(globex.headers, 'POST', path, { urls: ['https://shop.theirs.example/a.js'] })).json as unknown as { warmId: string };
      expect((await as(globex.headers, 'GET', `/api/v1/cdn/warms/${warmId}`)).status).toBe(200);
      expect((await as(acme.headers, 'GET', `/api/v1/cdn/warms/${warmId}`)).status).toBe(404);
    },
  };
}
