export { furnishProfile } from './profile-probes.ts';
export { effectOperations } from './webhook-probes.ts';
import { profileProbes } from './profile-probes.ts';
import { webhookProbes, type TenantBench } from './webhook-probes.ts';

/** What features with files of their own keep from other tenants, by the operation's id. */
export function featureProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  return { ...webhookProbes(bench), ...profileProbes(bench) };
}
