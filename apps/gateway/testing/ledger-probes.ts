import { expect } from '@jest/globals';
import type { TenantBench } from './webhook-probes.ts';

/** The audit ledger is the platform's. */
export function ledgerProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  return {
    beginLedgerAnew: async () => {
      const { as, acme, platform } = bench();
      expect((await as(acme.headers, 'POST', '/api/v1/ledger/begin-anew', { reason: 'a test' })).status).toBe(403);
      expect((await as(platform, 'POST', '/api/v1/ledger/begin-anew', { reason: 'a test' })).status).toBe(409);
    },
    beginLedgerExport: async () => {
      const { as, acme, platform } = bench();
      expect((await as(acme.headers, 'GET', '/api/v1/ledger/export')).status).toBe(403);
      expect((await as(platform, 'GET', '/api/v1/ledger/export')).status).not.toBe(403);
    },
  };
}
