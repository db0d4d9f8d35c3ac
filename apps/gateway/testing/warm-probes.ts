import { expect } from '@jest/globals';
import type { TenantBench } from './webhook-probes.ts';

const path = '/api/v1/cdn/warm';

type Asking = Pick<TenantBench, 'as'> & { readonly headers: Readonly<Record<string, string>>; readonly id: string };

/** Asks for a warming, the same each time: asked for again it is the one that there is, and its id is told. */
async function askOnce({ as, headers, id }: Asking): Promise<string> {
  const host = id === 'globex' ? 'shop.theirs.example' : `shop.${id}.example`;
  const answer = await as({ ...headers, 'idempotency-key': `warm-${id}` }, 'POST', path, { urls: [`https://${host}/a.js`] });
  expect(answer.status).toBe(202);
  return (answer.json as unknown as { readonly warmId: string }).warmId;
}

/** Gives a tenant a warming. */
export async function furnishWarms(init: Asking): Promise<void> {
  await askOnce(init);
}

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
      // Of what is asked for most, what is on hosts of its own.
      const top = await as(acme.headers, 'POST', path, { top: 100 });
      expect(top.status).toBe(202);
      const { warmId } = top.json as unknown as { readonly warmId: string };
      const view = await as(acme.headers, 'GET', `/api/v1/cdn/warms/${warmId}`);
      expectNothingForeign(view);
      expect((view.json as unknown as { readonly total: number }).total).toBe(1);
    },
    listWarms: async () => {
      const { as, acme, globex, expectNothingForeign } = bench();
      const answer = await as(acme.headers, 'GET', '/api/v1/cdn/warms');
      expectNothingForeign(answer);
      expect(answer.text).toContain('shop.acme.example');
      expect((await as(globex.headers, 'GET', '/api/v1/cdn/warms')).text).toContain(await askOnce({ as, headers: globex.headers, id: 'globex' }));
    },
    showWarm: async () => {
      const { as, acme, globex } = bench();
      const warmId = await askOnce({ as, headers: globex.headers, id: 'globex' });
      expect((await as(globex.headers, 'GET', `/api/v1/cdn/warms/${warmId}`)).status).toBe(200);
      expect((await as(acme.headers, 'GET', `/api/v1/cdn/warms/${warmId}`)).status).toBe(404);
    },
  };
}
