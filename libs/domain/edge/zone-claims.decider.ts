import { zoneHostsClaimed, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';
import { hostsOverlap } from './hosts.ts';

/** A zone and the hosts of one domain that are its own. */
export interface ZoneClaim {
  readonly zoneId: string;
  readonly owner: string;
  readonly hosts: readonly string[];
  readonly claimedAtMs: number;
}

/** All claims below one domain: whoever wants a host there changes this one value, so that of two one is too late. */
export type ZoneClaimsState =
  | { readonly status: 'absent' }
  | { readonly kind: 'zone-claims'; readonly status: 'claimed'; readonly claims: readonly ZoneClaim[] };

export interface ClaimZoneHosts extends ZoneClaim {
  readonly type: 'ClaimZoneHosts';
  readonly domain: string;
  /** Zones whose claims count no more, because they do not serve what they claimed. */
  readonly void: readonly string[];
}

export type ZoneClaimDraft = DraftOf<typeof zoneHostsClaimed>;

/** The last two labels: a wildcard names two at least, so whatever could clash with a host lies below the same domain. */
export function claimedDomain(host: string): string {
  return host.split('.').slice(-2).join('.');
}

/** The claim that stands in the way: one host is one zone's, and below a tenant's wildcard no other tenant has a place. */
function obstacle(command: ClaimZoneHosts, claims: readonly ZoneClaim[]): { readonly host: string; readonly claim: ZoneClaim } | undefined {
  for (const claim of claims) {
    if (claim.zoneId === command.zoneId || command.void.includes(claim.zoneId)) continue;
    for (const host of command.hosts) {
      const taken = claim.hosts.some((other) => (claim.owner === command.owner ? other === host : hostsOverlap(other, host)));
      if (taken) return { host, claim };
    }
  }
  return undefined;
}

/** The zones that stand in the way of a claim; whoever asks may find that they do not serve their hosts. */
export function claimsInTheWay(command: Omit<ClaimZoneHosts, 'void'>, state: ZoneClaimsState): readonly ZoneClaim[] {
  if (state.status === 'absent') return [];
  return state.claims.filter((claim) => obstacle({ ...command, void: [] }, [claim]) !== undefined);
}

/** Whether a zone still has the claim on all of these hosts. */
export function holdsClaim(zoneId: string, hosts: readonly string[], state: ZoneClaimsState): boolean {
  const held = state.status === 'absent' ? undefined : state.claims.find((claim) => claim.zoneId === zoneId);
  return hosts.every((host) => held?.hosts.includes(host) === true);
}

function decide(command: ClaimZoneHosts, state: ZoneClaimsState): Decision<ZoneClaimDraft> {
  const { claimedAtMs, domain, hosts, owner, zoneId } = command;
  const claims = state.status === 'absent' ? [] : state.claims;
  const taken = obstacle(command, claims);
  // Whose it is, is not said: it may be another tenant's.
  if (taken !== undefined) return refuse('host-taken', `${taken.host}: This host is another zone’s.`);
  const own = claims.find((claim) => claim.zoneId === zoneId)?.hosts ?? [];
  const voided = claims.filter((claim) => command.void.includes(claim.zoneId));
  if (voided.length === 0 && JSON.stringify(own.toSorted()) === JSON.stringify(hosts.toSorted())) return accept<ZoneClaimDraft>();
  const drop = voided.map((claim) => zoneHostsClaimed.draft({ domain, zoneId: claim.zoneId, owner: claim.owner, hosts: [], claimedAtMs }));
  return accept<ZoneClaimDraft>(...drop, zoneHostsClaimed.draft({ domain, zoneId, owner, hosts: [...hosts], claimedAtMs }));
}

function evolve(state: ZoneClaimsState, { data }: ZoneClaimDraft): ZoneClaimsState {
  const { claimedAtMs, hosts, owner, zoneId } = data;
  const others = state.status === 'absent' ? [] : state.claims.filter((claim) => claim.zoneId !== zoneId);
  return { kind: 'zone-claims', status: 'claimed', claims: hosts.length === 0 ? others : [...others, { zoneId, owner, hosts, claimedAtMs }] };
}

export const zoneClaimsDecider: Decider<ZoneClaimsState, ClaimZoneHosts, ZoneClaimDraft> = { initialState: { status: 'absent' }, decide, evolve };
