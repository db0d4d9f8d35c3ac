import { expect } from '@jest/globals';
import type { TenantBench } from './webhook-probes.ts';

const path = '/api/v1/cdn/zones';
const origins = [{ url: 'https://origin.example' }];

/** Gives a tenant a zone of a name that every tenant has, and one of its own. */
export async function furnishZones({
  as,
  headers,
  id,
}: Pick<TenantBench, 'as'> & { readonly headers: Readonly<Record<string, string>>; readonly id: string }): Promise<void> {
  expect((await as(headers, 'PUT', `${path}/site`, { hosts: [`www.${id}.example`], origins })).status).toBe(200);
  const own = id === 'globex' ? ['shop.theirs.example', '*.wild.theirs.example'] : [`shop.${id}.example`];
  expect((await as(headers, 'PUT', `${path}/only-${id}`, { hosts: own, origins })).status).toBe(200);
}

/** What zones keep from other tenants: each has one of its own, and both have one of the same name. */
export function zoneProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  const absent = (method: string, rest: string, body?: unknown) => async (): Promise<void> => {
    const { as, acme } = bench();
    expect((await as(acme.headers, method, `${path}/only-globex${rest}`, body)).status).toBe(404);
  };
  return {
    configureZone: async () => {
      const { as, acme, expectNothingForeign } = bench();
      for (const host of ['shop.theirs.example', 'x.wild.theirs.example', '*.theirs.example']) {
        const answer = await as(acme.headers, 'PUT', `${path}/stolen`, { hosts: ['www.stolen.example', host], origins });
        expect(answer.status).toBe(409);
        expectNothingForeign(answer);
      }
      // What it asked for besides is not kept by the refusal.
      expect((await as(acme.headers, 'PUT', `${path}/other`, { hosts: ['www.stolen.example'], origins })).status).toBe(200);
    },
    showZone: absent('GET', ''),
    listZones: async () => {
      const { as, acme, expectNothingForeign } = bench();
      const answer = await as(acme.headers, 'GET', path);
      expect(answer.status).toBe(200);
      expectNothingForeign(answer);
    },
    setPurgePolicy: async () => {
      const { as, acme } = bench();
      expect((await as(acme.headers, 'PUT', '/api/v1/cdn/purge-policy', { policy: 'refuse' })).json).toEqual({ policy: 'refuse' });
      expect((await as(acme.headers, 'GET', '/api/v1/cdn/purge-policy')).json).toEqual({ policy: 'refuse' });
    },
    showPurgePolicy: async () => {
      const { as, globex } = bench();
      expect((await as(globex.headers, 'GET', '/api/v1/cdn/purge-policy')).json).toEqual({ policy: 'default' });
    },
    listZoneVersions: absent('GET', '/versions'),
    showZoneVersion: absent('GET', '/versions/1'),
    rollBackZone: absent('POST', '/rollback', { version: 1 }),
    renewZoneHook: absent('POST', '/hook'),
    removeZone: async () => {
      const { as, acme, globex } = bench();
      expect((await as(acme.headers, 'DELETE', `${path}/only-globex`)).status).toBe(404);
      expect((await as(acme.headers, 'DELETE', `${path}/site`)).status).toBe(204);
      expect((await as(globex.headers, 'GET', `${path}/site`)).json).toMatchObject({ version: 1 });
    },
  };
}
