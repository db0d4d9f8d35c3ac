import { purgePolicies, type PurgePolicy } from '#events';
import {
  invalidSetting,
  readEdgeSecret,
  readFlag,
  readInteger,
  readPort,
  readSharedSettings,
  readText,
  type Environment,
  type SharedSettings,
  readOwnHosts,
} from '#runtime';
import { join } from 'node:path';
import { readPeers, type PeerSettings } from './peers/peers.config.ts';
import type { EdgePrefetchInit } from './prefetch/edge-prefetch.ts';
import { readPrefetch } from './prefetch/prefetch.config.ts';
import { originConnections } from './origin/origin-endpoint.ts';
import { evictions, type Eviction } from './cache/object-store.ts';
import { readFleetSettings, type FleetSettings } from './fleet/fleet.config.ts';
import { readProcessSettings, readSiblings, sharedPortVariable, type ProcessSettings, type SiblingSettings } from './processes/processes.config.ts';
import { readListeningSettings, type ListeningSettings } from './server/listening.config.ts';
import { readSharedTier, type SharedTierSettings } from './shared-tier/shared-tier.config.ts';
import { readDisk, type DiskSettings } from './store/disk.config.ts';
import { readTrafficSettings, type TrafficSettings } from './traffic/traffic.config.ts';

/** What an edge knows about itself. Sizes in bytes, durations in ms. */
export interface EdgeSettings extends SharedSettings {
  readonly edgeId: string;
  readonly region: string;
  readonly listening: ListeningSettings;
  readonly processes: ProcessSettings;
  readonly fleet: FleetSettings;
  /** Whether other processes of this edge listen on the same ports. */
  readonly sharesPort: boolean;
  /** The processes of this edge; undefined for one that is alone. */
  readonly siblings: SiblingSettings | undefined;
  /** Scheme, host and port of each gateway, without a path: any of them does for all. */
  readonly originUrls: readonly string[];
  /** How long the origin is waited for when it cannot be reached and nothing stored can stand in, ms; 0 for not at all. */
  readonly originPatienceMs: number;
  /** Connections over HTTP/1.1 to one address of an origin, of each process of the edge. */
  readonly originConnectionsMax: number;
  /** Shared with the gateways, to which it proves whose address is forwarded. */
  readonly edgeSecret: string | undefined;
  readonly memoryBytesMax: number;
  /** What is fetched before it is asked for; undefined for nothing. */
  readonly prefetch: EdgePrefetchInit | undefined;
  readonly eviction: Eviction;
  /** Objects that origins are asked about before they expire, because many ask for them, at most in a second. */
  readonly revalidatePerSecond: number;
  /** Edges from which it takes what is hot there; undefined for none. */
  readonly peers: PeerSettings | undefined;
  /** Where objects are kept beyond the memory; undefined for nowhere. */
  readonly disk: DiskSettings | undefined;
  /** What edges keep for each other; undefined for nothing. */
  readonly sharedTier: SharedTierSettings | undefined;
  /** Where this edge keeps its own state. */
  readonly statePath: string;
  /** Verifier keys of the ledger that the edge's witness trusts; empty for those that the origin shows first. */
  readonly ledgerKeys: readonly string[];
  /** At which the platform itself is reached: no zone answers there. */
  readonly ownHosts: readonly string[];
  /** Origins of zones may be at private, loopback and other special addresses. */
  readonly originPrivateAddresses: boolean;
  /** What is done with what is cached while nobody here knows what was purged, where a tenant does not say. */
  readonly inDoubt: PurgePolicy;
  readonly traffic: TrafficSettings;
  readonly runtime: 'bun' | 'node';
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

const originsMax = 8;

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw invalidSetting('EDGE_ORIGIN_URL', `must be an http or https URL without a path, or several with commas between them, but is ${JSON.stringify(text)}`);
  }
  return url.origin;
}

function readOrigins(env: Environment): readonly string[] {
  const text = env['EDGE_ORIGIN_URL'] || `http://127.0.0.1:${readPort(env, 'GATEWAY_PORT', 8080)}`;
  const urls = [...new Set(text.split(',').map((one) => originOf(one.trim())))];
  if (urls.length > originsMax) throw invalidSetting('EDGE_ORIGIN_URL', `must be ${originsMax} URLs at most, but is ${urls.length}`);
  return urls;
}

/**
 * The settings of the edge, from the environment.
 * @throws OperatingError `SETTING_INVALID` naming the variable.
 */
export function readEdgeSettings(env: Environment = process.env): EdgeSettings {
  const shared = readSharedSettings(env);
  const edgeId = readText(env, 'EDGE_ID', 'edge-1', namePattern);
  const processes = readProcessSettings(env);
  const region = readText(env, 'EDGE_REGION', 'local', namePattern);
  const statePath = join(shared.dataDir, 'edge', edgeId);
  return {
    ...shared,
    edgeId,
    region,
    listening: readListeningSettings(env),
    processes,
    fleet: readFleetSettings(env, edgeId, processes.count),
    sharesPort: env[sharedPortVariable] === '1',
    siblings: readSiblings(env),
    originUrls: readOrigins(env),
    originPatienceMs: readInteger(env, 'EDGE_ORIGIN_PATIENCE_SECONDS', 6, 0, 60) * 1000,
    originConnectionsMax: readInteger(env, 'EDGE_ORIGIN_CONNECTIONS', originConnections.usual, originConnections.min, originConnections.max),
    edgeSecret: readEdgeSecret(env),
    memoryBytesMax: readInteger(env, 'EDGE_MEMORY_MB', 256, 1, 1_048_576) * 1024 * 1024,
    prefetch: readPrefetch(env, region),
    revalidatePerSecond: readInteger(env, 'EDGE_REVALIDATE_PER_SECOND', 10, 0, 10_000),
    eviction: readText(env, 'EDGE_EVICTION', 'sieve', new RegExp(`^(?:${evictions.join('|')})$`)) as Eviction,
    peers: readPeers(env, readEdgeSecret(env)),
    disk: readDisk(env, { statePath, edgeId }),
    sharedTier: readSharedTier(env),
    statePath,
    ledgerKeys: (env['EDGE_LEDGER_KEYS'] ?? '')
      .split(',')
      .map((key) => key.trim())
      .filter(Boolean),
    ownHosts: readOwnHosts(env),
    originPrivateAddresses: readFlag(env, 'ORIGIN_PRIVATE_ADDRESSES', false),
    inDoubt: readText(env, 'EDGE_IN_DOUBT', 'revalidate', new RegExp(`^(?:${purgePolicies.join('|')})$`)) as PurgePolicy,
    traffic: readTrafficSettings(env),
    runtime: 'Bun' in globalThis ? 'bun' : 'node',
  };
}
