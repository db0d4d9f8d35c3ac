import { expect } from '@jest/globals';
import type { Answer } from './http-client.ts';
import type { TenantBench } from './webhook-probes.ts';

interface StreamOwner {
  readonly headers: Readonly<Record<string, string>>;
  readonly streamId: string;
}

export type StreamBench = Pick<TenantBench, 'as' | 'expectAbsent'> & { readonly acme: StreamOwner; readonly globex: StreamOwner };

const nobodys = 'st-aaaaaaaaaaaaaaaa';
/** When the segments of the world's streams were recorded. */
const piece = { name: 'x', from: '1790000000000', until: '1790000001000' };

/** What is seen and said of a stream, by the operation's id: how it is asked for, and the least that its owner gets. */
const asks = [
  ['showStreamHealth', 'GET', (id: string) => `/api/v1/streams/${id}/health`, undefined],
  ['createClip', 'POST', (id: string) => `/api/v1/stream/${id}/clip`, piece],
  ['listClips', 'GET', (id: string) => `/api/v1/streams/${id}/clips`, undefined],
  ['markStream', 'POST', (id: string) => `/api/v1/stream/${id}/marker`, { class: 'x' }],
  ['listMarkers', 'GET', (id: string) => `/api/v1/streams/${id}/markers`, undefined],
] as const;

/** What streams keep from other tenants. */
export function streamProbes(bench: () => StreamBench): Readonly<Record<string, () => Promise<void>>> {
  const probe = (ask: (headers: StreamOwner['headers'], id: string) => Promise<Answer>) => async (): Promise<void> => {
    const { acme, globex, expectAbsent } = bench();
    await expectAbsent((id) => ask(acme.headers, id), globex.streamId, nobodys);
    expect(Math.floor((await ask(acme.headers, acme.streamId)).status / 100)).toBe(2);
  };
  const of = asks.map(([name, method, path, body]) => [name, probe((headers, id) => bench().as(headers, method, path(id), body))] as const);
  return {
    ...Object.fromEntries(of),
    showClip: async () => {
      const { as, acme, globex } = bench();
      const { json } = await as(globex.headers, 'POST', `/api/v1/stream/${globex.streamId}/clip`, piece);
      const read = (headers: StreamOwner['headers'], stream: string): Promise<Answer> => as(headers, 'GET', `/api/v1/streams/${stream}/clips/${json.id}`);
      expect((await read(acme.headers, globex.streamId)).status).toBe(404);
      // Not under a stream of one's own either.
      expect((await read(acme.headers, acme.streamId)).status).toBe(404);
    },
  };
}
