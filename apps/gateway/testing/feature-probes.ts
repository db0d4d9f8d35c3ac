export { effectOperations } from './webhook-probes.ts';
import { edgeProbes } from './edge-probes.ts';
import { furnishProfile, profileProbes } from './profile-probes.ts';
import { ledgerProbes } from './ledger-probes.ts';
import type { World } from './gateway.fixture.ts';
import { furnishTraffic, trafficProbes } from './traffic-probes.ts';
import { furnishWarms, warmProbes } from './warm-probes.ts';
import { furnishZones, zoneProbes } from './zone-probes.ts';
import { webhookProbes, type TenantBench } from './webhook-probes.ts';

/** What features with files of their own keep from other tenants, by the operation's id. */
export function featureProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  return {
    ...webhookProbes(bench),
    ...profileProbes(bench),
    ...zoneProbes(bench),
    ...ledgerProbes(bench),
    ...trafficProbes(bench),
    ...warmProbes(bench),
    ...edgeProbes(bench),
  };
}

/** Gives a tenant something of each feature that has files of its own. */
export async function furnishFeatures(init: Parameters<typeof furnishZones>[0] & { readonly world: World }): Promise<void> {
  await furnishProfile(init);
  await furnishZones(init);
  await furnishWarms(init);
  await furnishTraffic(init.world, init.id);
}
