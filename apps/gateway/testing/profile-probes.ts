import { expect } from '@jest/globals';
import type { TenantBench } from './webhook-probes.ts';

const path = '/api/v1/encoding-profiles';
const ladder = [{ name: '240p', height: 240, videoBitrate: 400_000 }];

/** Gives a tenant a profile of a name that every tenant has, and one of its own. */
export async function furnishProfile({
  as,
  headers,
  id,
}: Pick<TenantBench, 'as'> & { readonly headers: Readonly<Record<string, string>>; readonly id: string }): Promise<void> {
  for (const name of ['house', `only-${id}`]) expect((await as(headers, 'PUT', `${path}/${name}`, { ladder, description: `of ${id}` })).status).toBe(200);
}

/** What encoding profiles keep from other tenants: both have one of the same name. */
export function profileProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  const theirs = `${path}/only-globex`;
  const expectKept = async (): Promise<void> => {
    const { as, globex } = bench();
    expect((await as(globex.headers, 'GET', `${path}/house`)).json).toMatchObject({ description: 'of globex' });
    expect((await as(globex.headers, 'GET', theirs)).status).toBe(200);
  };
  return {
    configureEncodingProfile: async () => {
      const { as, acme, expectNothingForeign } = bench();
      expectNothingForeign(await as(acme.headers, 'PUT', `${path}/house`, { ladder, description: 'ours' }));
      await expectKept();
    },
    showEncodingProfile: async () => {
      const { as, acme, expectNothingForeign } = bench();
      expectNothingForeign(await as(acme.headers, 'GET', `${path}/house`));
      expect((await as(acme.headers, 'GET', theirs)).status).toBe(404);
      expect((await as(acme.headers, 'POST', '/api/v1/stream/start', { name: 'Borrowed', profile: 'only-globex' })).status).toBe(400);
    },
    listEncodingProfiles: async () => {
      const { as, acme, platform, expectNothingForeign } = bench();
      const answer = await as(acme.headers, 'GET', path);
      expectNothingForeign(answer);
      expect(answer.text).toContain('only-acme');
      expect((await as(platform, 'GET', path)).text).toContain('only-globex');
    },
    removeEncodingProfile: async () => {
      const { as, acme } = bench();
      expect((await as(acme.headers, 'DELETE', theirs)).status).toBe(404);
      expect((await as(acme.headers, 'DELETE', `${path}/house`)).status).toBe(204);
      await expectKept();
    },
  };
}
