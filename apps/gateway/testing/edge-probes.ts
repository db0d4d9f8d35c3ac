import { expect } from '@jest/globals';
import type { TenantBench } from './webhook-probes.ts';

/** Edges are the platform's: no tenant sees them, or decides about them. */
export function edgeProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  const refused = (method: string, rest: string, body?: unknown) => async (): Promise<void> => {
    const { as, acme } = bench();
    expect((await as(acme.headers, method, `/api/v1/cdn/edges${rest}`, body)).status).toBe(403);
  };
  const decided = (verb: string) => refused('POST', `/edge-1/${verb}`, { reason: 'not ours' });
  return {
    listEdgePeers: async () => {
      const { as, acme } = bench();
      expect((await as(acme.headers, 'GET', '/api/v1/cdn/edge/peers?id=edge-1')).status).toBe(403);
    },
    listEdges: refused('GET', ''),
    showEdge: refused('GET', '/edge-1'),
    drainEdge: decided('drain'),
    resumeEdge: decided('resume'),
    removeEdge: decided('remove'),
  };
}
