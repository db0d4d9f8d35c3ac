import { claimedDomain, zoneAggregate, zoneClaimsAggregate, type ZoneClaimsState } from '#domain/edge';
import type { AggregateStore } from '#ports';
import type { ZoneOwners } from './purge-targets.ts';

/** Whose hosts and zones are, from heads: true the moment they are claimed. */
export class ClaimedZoneOwners implements ZoneOwners {
  readonly #aggregates: AggregateStore;

  constructor(aggregates: AggregateStore) {
    this.#aggregates = aggregates;
  }

  async ofHost(host: string): Promise<string | undefined> {
    const name = host.toLowerCase().replace(/\.$/, '');
    const head = await this.#aggregates.load(zoneClaimsAggregate.context, `hosts:${claimedDomain(name)}`);
    const state = head?.state as ZoneClaimsState | undefined;
    if (state === undefined || state.status === 'absent') return undefined;
    const names = (claimed: string): boolean => (claimed.startsWith('*.') ? name.endsWith(claimed.slice(1)) : claimed === name);
    // A name counts before a wildcard, which may be another zone's of the same tenant.
    const exact = state.claims.find(({ hosts }) => hosts.includes(name));
    return (exact ?? state.claims.find(({ hosts }) => hosts.some(names)))?.owner;
  }

  async ofZone(zoneId: string): Promise<string | undefined> {
    // Other aggregates of this context: claims, and what stands about edges.
    if (/^(?:hosts|purge-policy|edge):/.test(zoneId)) return undefined;
    return (await this.#aggregates.load(zoneAggregate.context, zoneId))?.tenant;
  }
}
