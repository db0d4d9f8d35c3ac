import { murmur2 } from '#kernel';
import type { EdgeState, RegisteredEdge } from './registry.core.ts';

export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** ready: answers that it takes clients; unready: answers that it does not; failed: does not answer; unknown: nobody has looked. */
export type ProbeState = 'ready' | 'unready' | 'failed' | 'unknown';

/** An edge that clients may be sent to: all its processes together. */
export interface SteeringCandidate {
  readonly id: string;
  readonly region: string | null;
  readonly place: Place | null;
  /** Where clients reach it, the best first. */
  readonly urls: readonly string[];
  readonly addresses: readonly string[];
  readonly state: EdgeState;
  readonly reason: string | null;
  readonly probe: ProbeState;
  /** 0 for idle, 1 for all that it can; null where nobody knows. */
  readonly load: number | null;
  /** Its share of keys beside others that are as near. */
  readonly weight: number;
}

export interface SteeringClient {
  readonly place: Place | null;
  /** What tells clients apart where an edge gives some of them away: their network. */
  readonly network: string;
}

export interface SteeringRules {
  /** Edges up to so much farther than the nearest are as near as it, km. */
  readonly nearKm: number;
  /** From this load on an edge gives clients away, more of them the more loaded it is, and at 1 all. */
  readonly shedFrom: number;
  /** For clients whose place nobody knows: the region whose edges are asked first; undefined for all of them alike. */
  readonly homeRegion: string | undefined;
}

export type Verdict = 'chosen' | 'another-first' | 'farther' | 'loaded' | 'not-ready' | 'away' | 'none-of-ours';

export interface JudgedCandidate {
  readonly candidate: SteeringCandidate;
  readonly distanceKm: number | null;
  readonly verdict: Verdict;
}

export interface SteeringChoice {
  /** Undefined where there is nobody to send a client to. */
  readonly chosen: SteeringCandidate | undefined;
  /** One sentence. */
  readonly reason: string;
  /** Whether edges that take clients were there, or the least bad was taken. */
  readonly quality: 'good' | 'loaded' | 'least-bad' | 'none';
  /** What else the answer hangs on besides the key. */
  readonly dependsOn: { readonly place: boolean; readonly network: boolean };
  readonly candidates: readonly JudgedCandidate[];
}

const earthKm = 6371;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Along the surface (haversine), km. */
export function distanceKm(a: Place, b: Place): number {
  const [dLatitude, dLongitude] = [radians(b.latitude - a.latitude), radians(b.longitude - a.longitude)];
  const h = Math.sin(dLatitude / 2) ** 2 + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(dLongitude / 2) ** 2;
  return 2 * earthKm * Math.asin(Math.min(1, Math.sqrt(h)));
}

const encoder = new TextEncoder();

/** Evenly spread over the numbers between 0 and 1, both excluded. Murmur2's own bits are not even for texts that are nearly the same. */
function unitHash(text: string): number {
  let h = murmur2(encoder.encode(text)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h = (h ^ (h >>> 16)) >>> 0;
  return (h + 0.5) / 0x1_0000_0000;
}

/** Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights: Schindelhauer and Schomaker 2005): the greatest score has the key. */
function score({ id, weight }: SteeringCandidate, key: string): number {
  return -weight / Math.log(unitHash(`${key} ${id}`));
}

/** Whose the key is, first, and whose it is when that one is not to be had. The others' keys stay where they are when one leaves. */
export function rendezvousOrder(candidates: readonly SteeringCandidate[], key: string): readonly SteeringCandidate[] {
  return candidates
    .map((candidate) => ({ candidate, score: score(candidate, key) }))
    .toSorted((a, b) => b.score - a.score || (a.candidate.id < b.candidate.id ? -1 : 1))
    .map(({ candidate }) => candidate);
}

/** How good it is to send somebody there: 0 as it should be, then what is still better than nothing; undefined never. */
function tierOf({ probe, state }: SteeringCandidate): 0 | 1 | 2 | undefined {
  if (probe === 'failed') return undefined;
  if (state === 'up') return probe === 'unready' ? 2 : 0;
  // Its reports do not get here, and it says itself that it serves.
  if (state === 'silent') return probe === 'ready' ? 1 : probe === 'unready' ? 2 : undefined;
  return state === 'draining' ? 2 : undefined;
}

interface Placed {
  readonly candidate: SteeringCandidate;
  readonly km: number | null;
}

/** Of farther and farther edges: each band has those that are as near as its nearest. */
function bandsOf(placed: readonly Placed[], { homeRegion, nearKm }: SteeringRules): readonly (readonly Placed[])[] {
  const known = placed.filter(({ km }) => km !== null).toSorted((a, b) => (a.km as number) - (b.km as number));
  const bands: Placed[][] = [];
  let farthest = -1;
  for (const one of known) {
    const km = one.km as number;
    if (km > farthest) {
      bands.push([]);
      farthest = km + nearKm;
    }
    bands.at(-1)?.push(one);
  }
  const unplaced = placed.filter(({ km }) => km === null);
  const isHome = ({ candidate }: Placed): boolean => homeRegion !== undefined && candidate.region === homeRegion;
  const [home, others] = [unplaced.filter(isHome), unplaced.filter((one) => !isHome(one))];
  return [...bands, home, others].filter((band) => band.length > 0);
}

/** The share of clients that an edge gives away. */
export function shedShare(load: number | null, shedFrom: number): number {
  return load === null ? 0 : Math.min(1, Math.max(0, (load - shedFrom) / (1 - shedFrom)));
}

interface Walk {
  readonly bands: readonly (readonly Placed[])[];
  readonly key: string;
  readonly client: SteeringClient;
  readonly rules: SteeringRules;
}

/** The first that keeps this client, from near to far and within a band by the key; and those that gave it away before. */
function walk({ bands, client, key, rules }: Walk): { readonly chosen: Placed | undefined; readonly passed: readonly Placed[]; readonly rolled: boolean } {
  const passed: Placed[] = [];
  let rolled = false;
  for (const band of bands) {
    const byId = new Map(band.map((one) => [one.candidate.id, one]));
    for (const { id } of rendezvousOrder(
      band.map(({ candidate }) => candidate),
      key,
    )) {
      const one = byId.get(id) as Placed;
      const share = shedShare(one.candidate.load, rules.shedFrom);
      rolled ||= share > 0 && share < 1;
      if (share < 1 && unitHash(`${client.network} ${id}`) >= share) return { chosen: one, passed, rolled };
      passed.push(one);
    }
  }
  return { chosen: undefined, passed, rolled };
}

function leastLoaded(placed: readonly Placed[]): Placed | undefined {
  return placed.toSorted((a, b) => (a.candidate.load ?? 0) - (b.candidate.load ?? 0) || (a.candidate.id < b.candidate.id ? -1 : 1))[0];
}

const tierReasons = ['', 'no edge reports; this one answers that it serves', 'no edge takes new clients; this one still serves'] as const;

function reasonOf({ candidate, km }: Placed, passed: readonly Placed[], tier: 0 | 1 | 2): string {
  if (tier !== 0) return tierReasons[tier];
  const where = km === null ? 'one of those that could be nearest' : `${Math.round(km)} km away`;
  return passed.length === 0
    ? `${where}, and first for this key`
    : `${where}; ${passed.map(({ candidate: { id } }) => id).join(', ')} gave the client away`.replace(`${candidate.id}, `, '');
}

function verdictOf(
  { candidate }: Placed,
  chosen: Placed | undefined,
  walked: { readonly passed: readonly Placed[]; readonly near: ReadonlySet<string>; readonly tier: number | undefined },
): Verdict {
  if (candidate.id === chosen?.candidate.id) return 'chosen';
  if (candidate.state === 'removed' || candidate.state === 'refused') return 'none-of-ours';
  const tier = tierOf(candidate);
  if (tier === undefined) return 'away';
  if (tier !== walked.tier) return 'not-ready';
  if (walked.passed.some((one) => one.candidate.id === candidate.id)) return 'loaded';
  return walked.near.has(candidate.id) ? 'another-first' : 'farther';
}

/**
 * Where a client is sent: to an edge that takes clients, of the nearest ones, the one that the key is always at; and where that
 * one is loaded, some of its clients to the next. Where no edge takes clients, to the least bad that still answers. Pure.
 */
export function steer(candidates: readonly SteeringCandidate[], key: string, client: SteeringClient, rules: SteeringRules): SteeringChoice {
  const placed = candidates.map((candidate): Placed => ({
    candidate,
    km: client.place === null || candidate.place === null ? null : distanceKm(client.place, candidate.place),
  }));
  const tier = ([0, 1, 2] as const).find((each) => placed.some(({ candidate }) => tierOf(candidate) === each));
  const usable = placed.filter(({ candidate }) => tier !== undefined && tierOf(candidate) === tier);
  const bands = bandsOf(usable, rules);
  const { chosen: kept, passed, rolled } = walk({ bands, key, client, rules });
  const chosen = kept ?? leastLoaded(usable);
  const band = bands.find((each) => each.some(({ candidate }) => candidate.id === chosen?.candidate.id)) ?? [];
  const walked = { passed, near: new Set(band.map(({ candidate }) => candidate.id)), tier };
  return {
    chosen: chosen?.candidate,
    reason:
      chosen === undefined || tier === undefined
        ? 'every edge is away'
        : kept === undefined
          ? 'every edge is loaded; this one least'
          : reasonOf(chosen, passed, tier),
    quality: tier === undefined ? 'none' : tier !== 0 ? 'least-bad' : kept === undefined ? 'loaded' : 'good',
    dependsOn: { place: usable.some(({ candidate }) => candidate.place !== null), network: rolled },
    candidates: placed.map((one) => ({ candidate: one.candidate, distanceKm: one.km, verdict: verdictOf(one, chosen, walked) })),
  };
}

/** What the path asks for, as far as caches should keep it together: a stream, or whatever lies below the first part. */
export function steeringKey(path: string): string {
  const parts = path.split(/[?#]/, 1)[0]?.split('/').filter(Boolean) ?? [];
  return parts[0] === 'live' || parts[0] === 'vod' || parts[0] === 'embed' ? (parts[1] ?? '') : (parts[0] ?? '');
}

/** What an edge has to do of what it can: the most of bandwidth, connections and processor; null where nobody knows any. */
function loadOf(processes: readonly RegisteredEdge[]): number | null {
  const reporting = processes.filter(({ load, state }) => load !== null && (state === 'up' || state === 'draining'));
  if (reporting.length === 0) return null;
  const sum = (pick: (edge: RegisteredEdge) => number): number => reporting.reduce((total, edge) => total + pick(edge), 0);
  const [first] = reporting as [RegisteredEdge];
  const shares = [
    first.bitsPerSecondMax === null ? null : sum(({ load }) => load?.bitsPerSecond ?? 0) / first.bitsPerSecondMax,
    first.connectionsMax === null ? null : sum(({ load }) => load?.connections ?? load?.activeRequests ?? 0) / first.connectionsMax,
    // One thread serves: a process is at its end with one processor.
    reporting.every(({ load }) => load?.cpu === null) ? null : sum(({ load }) => load?.cpu ?? 0) / reporting.length,
  ].filter((share) => share !== null);
  return shares.length === 0 ? null : Math.max(...shares);
}

const stateOrder: readonly EdgeState[] = ['up', 'draining', 'silent', 'announced', 'refused', 'removed'];

/** The edges of this region's log as candidates: processes that share a port are one. */
export function candidatesOf(edges: readonly RegisteredEdge[], probeOf: (id: string) => ProbeState): readonly SteeringCandidate[] {
  const nodes = Map.groupBy(
    edges.filter(({ origin, url }) => origin === '' && url !== null),
    ({ node }) => node,
  );
  return [...nodes].map(([id, processes]) => {
    const best = processes.toSorted((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state) || (a.edgeId < b.edgeId ? -1 : 1))[0] as RegisteredEdge;
    return {
      id,
      region: best.region,
      place: best.location,
      urls: best.urls.length > 0 ? best.urls : [best.url as string],
      addresses: best.addresses,
      state: best.state,
      reason: best.reason,
      probe: probeOf(id),
      load: loadOf(processes),
      weight: Math.max(1, (best.bitsPerSecondMax ?? 1e9) / 1e9),
    };
  });
}
