import { invalidSetting, readEdgeKeysRequired, readInteger, readPort, readSharedSettings, readText, type Environment, type SharedSettings } from '#runtime';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { join, resolve } from 'node:path';

export interface DnsSettings {
  readonly port: number;
  /** The zone that it answers for, lower case, without a dot at the end. */
  readonly zone: string;
  /** Names of its name servers, and their addresses where those are within the zone. */
  readonly nameServers: readonly string[];
  readonly nameServerAddresses: readonly string[];
  readonly ttlSeconds: number;
  /** Answers a second to one network over UDP. */
  readonly answersPerSecond: number;
}

export interface SteeringSettings extends SharedSettings {
  readonly databaseUrl: string;
  readonly port: number;
  /** Undefined without a zone. */
  readonly dns: DnsSettings | undefined;
  /** MaxMind-format data of where addresses are; undefined without. */
  readonly geoFile: string | undefined;
  readonly homeRegion: string | undefined;
  readonly nearKm: number;
  readonly shedFrom: number;
  /** Between two questions to an edge whether it serves, ms; 0 for never. */
  readonly probeEveryMs: number;
  readonly keysRequired: boolean;
  /** Whose word for a client's address counts. */
  readonly proxies: BlockList;
  /** Shown by those who may ask why; this machine may without. */
  readonly token: string | undefined;
  /** Where the registry is kept for a start without the database. */
  readonly registryPath: string;
}

const zonePattern = /^(?=.{1,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

function listOf(env: Environment, name: string): readonly string[] {
  return (env[name] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
}

function readDns(env: Environment): DnsSettings | undefined {
  const zone = (env['STEERING_ZONE'] ?? '').toLowerCase().replace(/\.$/, '');
  if (zone === '') return undefined;
  if (!zonePattern.test(zone)) throw invalidSetting('STEERING_ZONE', `must be a domain such as cdn.example.net, but is ${JSON.stringify(zone)}`);
  const servers = listOf(env, 'STEERING_NAME_SERVERS').map((name) => name.toLowerCase().replace(/\.$/, ''));
  const wrong = servers.find((name) => !zonePattern.test(name));
  if (wrong !== undefined) throw invalidSetting('STEERING_NAME_SERVERS', `must be host names; ${JSON.stringify(wrong)} is none`);
  const addresses = listOf(env, 'STEERING_NAME_SERVER_ADDRESSES');
  const noAddress = addresses.find((address) => isIP(address) === 0);
  if (noAddress !== undefined) throw invalidSetting('STEERING_NAME_SERVER_ADDRESSES', `must be IP addresses; ${JSON.stringify(noAddress)} is none`);
  return {
    port: readPort(env, 'STEERING_DNS_PORT', 8053),
    zone,
    nameServers: servers.length === 0 ? [`ns1.${zone}`] : servers,
    nameServerAddresses: addresses,
    ttlSeconds: readInteger(env, 'STEERING_DNS_TTL', 20, 0, 3600),
    answersPerSecond: readInteger(env, 'STEERING_DNS_RATE', 200, 1, 1_000_000),
  };
}

function readProxies(env: Environment): BlockList {
  const list = new BlockList();
  for (const member of listOf(env, 'STEERING_PROXIES')) {
    const [address = '', prefix] = member.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const bits = prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix);
    try {
      list.addSubnet(address, bits, family);
    } catch {
      throw invalidSetting('STEERING_PROXIES', `must be addresses and networks, as 10.0.0.0/8,192.0.2.1; ${JSON.stringify(member)} is none`);
    }
  }
  return list;
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readSteeringSettings(env: Environment = process.env): SteeringSettings {
  const shared = readSharedSettings(env);
  if (shared.databaseUrl === undefined) throw invalidSetting('DATABASE_URL', 'is not set: steering reads which edges there are from PostgreSQL');
  const token = env['STEERING_TOKEN'] || undefined;
  if (token !== undefined && token.length < 16) throw invalidSetting('STEERING_TOKEN', 'must have 16 characters or more');
  return {
    ...shared,
    databaseUrl: shared.databaseUrl,
    port: readPort(env, 'STEERING_PORT', 8085),
    dns: readDns(env),
    geoFile: env['STEERING_GEO_FILE'] ? resolve(env['STEERING_GEO_FILE']) : undefined,
    homeRegion: env['STEERING_REGION'] ? readText(env, 'STEERING_REGION', '', namePattern) : undefined,
    nearKm: readInteger(env, 'STEERING_NEAR_KM', 300, 0, 20_100),
    shedFrom: readInteger(env, 'STEERING_SHED_PERCENT', 80, 1, 99) / 100,
    probeEveryMs: readInteger(env, 'STEERING_PROBE_MS', 2000, 0, 60_000),
    keysRequired: readEdgeKeysRequired(env),
    proxies: readProxies(env),
    token,
    registryPath: join(shared.dataDir, 'steering', 'registry.json'),
  };
}
