import type { EdgeStanding } from './standing.decider.ts';

/**
 * up: reported lately; draining: takes nobody new; silent: used to report; announced: never reported; removed: an operator took
 * it away; refused: its key is revoked or expired, or it has none where each must have one.
 */
export type EdgeState = 'up' | 'draining' | 'silent' | 'announced' | 'removed' | 'refused';

/** A row of a read model. */
type Row = Readonly<Record<string, unknown>>;

/** An edge that has not reported for this long is silent, ms. */
export const edgeSilentAfterMs = 15_000;

export interface EdgeLoad {
  readonly connections: number | null;
  readonly activeRequests: number;
  readonly bitsPerSecond: number;
  readonly cpu: number | null;
  readonly diskBytes: number;
  readonly behindMs: number;
  /** How the tier is that it shares with others; null without one. */
  readonly sharedTier: 'on' | 'away' | 'full' | null;
}

/** An edge as everything together tells: what it says it is, how it is, and what operators and its key say. */
export interface RegisteredEdge {
  readonly edgeId: string;
  /** The region of REGION_PEERS whose edge it is; empty for this one. */
  readonly origin: string;
  readonly state: EdgeState;
  /** Why it is drained, removed or refused. */
  readonly reason: string | null;
  readonly standing: EdgeStanding;
  readonly keyId: string | null;
  readonly node: string;
  readonly region: string | null;
  readonly url: string | null;
  readonly urls: readonly string[];
  readonly addresses: readonly string[];
  readonly protocols: readonly string[];
  readonly location: { readonly latitude: number; readonly longitude: number } | null;
  readonly memoryBytesMax: number | null;
  readonly diskBytesMax: number;
  readonly processes: number;
  readonly bitsPerSecondMax: number | null;
  readonly connectionsMax: number | null;
  readonly programVersion: string | null;
  readonly registeredAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly reportedAtMs: number | null;
  /** At its last report; null before the first. */
  readonly load: EdgeLoad | null;
}

export interface RegistryRows {
  readonly edges: readonly Row[];
  /** Of every process of every edge that there was. */
  readonly counters: readonly Row[];
  readonly standings: readonly Row[];
  /** API keys, those that admitted edges among them. */
  readonly keys: readonly Row[];
}

export interface RegistryInit {
  readonly nowMs: number;
  /** An edge that has shown no key is none of ours. */
  readonly keysRequired: boolean;
}

const numberOr = <Otherwise>(value: unknown, otherwise: Otherwise): number | Otherwise =>
  value === null || value === undefined ? otherwise : Number(value as bigint);
const textOr = <Otherwise>(value: unknown, otherwise: Otherwise): string | Otherwise => (value === null || value === undefined ? otherwise : (value as string));
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);

/** Two regions may each have an edge of one name. An id holds no space. */
export function edgeRowName(row: Row): string {
  return `${String(row['edge_id'])} ${String(row['origin'])}`;
}

function loadOf(report: Row): EdgeLoad {
  return {
    connections: numberOr(report['connections'], null),
    activeRequests: numberOr(report['active_requests'], 0),
    bitsPerSecond: numberOr(report['bits_per_second'], 0),
    cpu: numberOr(report['cpu'], null),
    diskBytes: numberOr(report['disk_bytes'], 0),
    behindMs: numberOr(report['behind_ms'], 0),
    sharedTier: (textOr(report['shared_tier'], null) as EdgeLoad['sharedTier']) ?? null,
  };
}

/** Why the key of an edge does not make it one of ours; null when it does. */
function keyProblem(keyId: string | null, key: Row | undefined, { keysRequired, nowMs }: RegistryInit): string | null {
  if (keyId === null) return keysRequired ? 'it has shown no key' : null;
  // The keys' read model may be behind: a key that let an edge in has been there.
  if (key === undefined) return null;
  if (key['revoked_at_ms'] !== null && key['revoked_at_ms'] !== undefined) return `its key ${keyId} is revoked`;
  const expiresAtMs = numberOr(key['expires_at_ms'], 0);
  return expiresAtMs !== 0 && nowMs >= expiresAtMs ? `its key ${keyId} has expired` : null;
}

interface Known {
  readonly standing: EdgeStanding;
  readonly said: string | null;
  readonly keyProblem: string | null;
  readonly report: Row | undefined;
}

function stateOf({ keyProblem: problem, report, said, standing }: Known, nowMs: number): { readonly state: EdgeState; readonly reason: string | null } {
  if (standing === 'removed') return { state: 'removed', reason: said };
  if (problem !== null) return { state: 'refused', reason: problem };
  if (report === undefined) return { state: 'announced', reason: null };
  if (nowMs - numberOr(report['reported_at_ms'], 0) > edgeSilentAfterMs) return { state: 'silent', reason: null };
  if (standing === 'draining') return { state: 'draining', reason: said };
  return report['draining'] === true ? { state: 'draining', reason: 'it says that it takes nobody new' } : { state: 'up', reason: null };
}

function describe(
  row: Row | undefined,
): Omit<RegisteredEdge, 'edgeId' | 'origin' | 'state' | 'reason' | 'standing' | 'keyId' | 'startedAtMs' | 'reportedAtMs' | 'load'> {
  const [latitude, longitude] = [numberOr(row?.['latitude'], null), numberOr(row?.['longitude'], null)];
  return {
    node: textOr(row?.['node'], textOr(row?.['edge_id'], '')),
    region: textOr(row?.['region'], null),
    url: textOr(row?.['url'], null),
    urls: texts(row?.['urls']),
    addresses: texts(row?.['addresses']),
    protocols: texts(row?.['protocols']),
    location: latitude === null || longitude === null ? null : { latitude, longitude },
    memoryBytesMax: row === undefined ? null : numberOr(row['memory_bytes_max'], 0),
    diskBytesMax: numberOr(row?.['disk_bytes_max'], 0),
    processes: numberOr(row?.['processes'], 1),
    bitsPerSecondMax: numberOr(row?.['bits_per_second_max'], null),
    connectionsMax: numberOr(row?.['connections_max'], null),
    programVersion: textOr(row?.['program_version'], null),
    registeredAtMs: numberOr(row?.['registered_at_ms'], null),
  };
}

/** What stands about an edge: decided of itself, or of the edge whose process it is. */
function standingRow(
  name: string,
  node: string | undefined,
  origin: string,
  standings: ReadonlyMap<string, Row>,
): { readonly own: Row | undefined; readonly decided: Row | undefined } {
  const own = standings.get(name);
  const ofNode = node === undefined ? undefined : standings.get(`${node} ${origin}`);
  const isApart = (row: Row | undefined): boolean => row !== undefined && textOr(row['standing'], 'serving') !== 'serving';
  return { own, decided: isApart(own) || !isApart(ofNode) ? own : ofNode };
}

/** Whether it served for a while in the place of a process that was replaced, and is gone: it is missed by nobody. */
function isPastStandIn({ edgeId, node, processes, state }: RegisteredEdge): boolean {
  return state === 'silent' && edgeId === standInOf(node, processes);
}

/** The name of who stands in while a process of an edge is replaced: in the place after all others. */
export function standInOf(node: string, processes: number): string {
  return `${node}.${processes}`;
}

/** Every edge that there is or was, by name and region. Pure. */
export function registryOf(rows: RegistryRows, init: RegistryInit): readonly RegisteredEdge[] {
  const edges = new Map(rows.edges.map((row) => [edgeRowName(row), row]));
  const standings = new Map(rows.standings.map((row) => [edgeRowName(row), row]));
  const keys = new Map(rows.keys.map((row) => [String(row['key_id']), row]));
  const newest = new Map<string, Row>();
  for (const row of rows.counters) {
    const name = edgeRowName(row);
    const known = newest.get(name);
    if (known === undefined || (known['incarnation'] as bigint) < (row['incarnation'] as bigint)) newest.set(name, row);
  }
  const names = [...new Set([...edges.keys(), ...newest.keys()])].sort();
  const all = names.map((name): RegisteredEdge => {
    const row = edges.get(name);
    const report = newest.get(name);
    const any = row ?? report ?? {};
    const origin = String(any['origin']);
    const { decided, own } = standingRow(name, textOr(row?.['node'], undefined), origin, standings);
    const standing = textOr(decided?.['standing'], 'serving') as EdgeStanding;
    const keyId = textOr(own?.['key_id'], null);
    const problem = origin === '' ? keyProblem(keyId, keys.get(keyId ?? ''), init) : null;
    const { reason, state } = stateOf({ standing, said: textOr(decided?.['reason'], null), keyProblem: problem, report }, init.nowMs);
    return {
      edgeId: String(any['edge_id']),
      ...{ origin, state, reason, standing, keyId },
      ...describe(row),
      startedAtMs: numberOr(report?.['incarnation'], null),
      reportedAtMs: numberOr(report?.['reported_at_ms'], null),
      load: report === undefined ? null : loadOf(report),
    };
  });
  return all.filter((edge) => !isPastStandIn(edge));
}

/** Whether what the edge says counts. */
export function isOurs({ state }: Pick<RegisteredEdge, 'state'>): boolean {
  return state !== 'removed' && state !== 'refused';
}
