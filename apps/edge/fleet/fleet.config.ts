import { invalidSetting, readInteger, type Environment } from '#runtime';
import { isIP } from 'node:net';

/** What an edge tells about itself besides what it measures, and the key by which it is one of ours. */
export interface FleetSettings {
  /** Shown to the gateway; undefined where an edge speaks for itself on the log alone. */
  readonly key: string | undefined;
  /** The edge of which this is a process. */
  readonly node: string;
  /** How many processes serve its ports. */
  readonly processes: number;
  /** Where clients reach it, the best first; empty for what it listens on. */
  readonly urls: readonly string[];
  /** What DNS may answer with. */
  readonly addresses: readonly string[];
  readonly location: { readonly latitude: number; readonly longitude: number } | null;
  readonly bitsPerSecondMax: number | null;
  readonly connectionsMax: number | null;
}

/** What the first of several processes tells the others. */
export const nodeVariable = 'EDGE_NODE_ID';
export const nodeProcessesVariable = 'EDGE_NODE_PROCESSES';

const listMax = 8;

function listOf(env: Environment, name: string, isOne: (text: string) => boolean, what: string): readonly string[] {
  const list = (env[name] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
  const wrong = list.find((one) => !isOne(one));
  if (wrong !== undefined) throw invalidSetting(name, `must be ${what}, separated by commas; ${JSON.stringify(wrong)} is none`);
  if (list.length > listMax) throw invalidSetting(name, `must be ${listMax} at most`);
  return list;
}

function degrees(env: Environment, name: string, max: number): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const value = Number(text);
  if (!/^-?\d{1,3}(\.\d{1,12})?$/.test(text.trim()) || Math.abs(value) > max)
    throw invalidSetting(name, `must be degrees from -${max} to ${max}, but is ${JSON.stringify(text)}`);
  return value;
}

function readLocation(env: Environment): FleetSettings['location'] {
  const [latitude, longitude] = [degrees(env, 'EDGE_LATITUDE', 90), degrees(env, 'EDGE_LONGITUDE', 180)];
  if (latitude === undefined && longitude === undefined) return null;
  if (latitude === undefined || longitude === undefined)
    throw invalidSetting(latitude === undefined ? 'EDGE_LATITUDE' : 'EDGE_LONGITUDE', 'is missing: a place is both, EDGE_LATITUDE and EDGE_LONGITUDE');
  return { latitude, longitude };
}

function readKey(env: Environment): string | undefined {
  const key = env['EDGE_KEY'] || undefined;
  if (key !== undefined && !/^[\x21-\x7e]{8,512}$/.test(key)) throw invalidSetting('EDGE_KEY', 'must be an API key with the scope edge');
  return key;
}

const isBaseUrl = (text: string): boolean => /^https?:\/\/[^/?#\s]+\/?$/.test(text) && URL.canParse(text);

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readFleetSettings(env: Environment, edgeId: string, processes: number): FleetSettings {
  const megabits = readInteger(env, 'EDGE_CAPACITY_MBIT', 0, 0, 10_000_000);
  const connections = readInteger(env, 'EDGE_CAPACITY_CONNECTIONS', 0, 0, 100_000_000);
  return {
    key: readKey(env),
    node: env[nodeVariable] || edgeId,
    processes: Number(env[nodeProcessesVariable] || processes),
    urls: listOf(env, 'EDGE_URLS', isBaseUrl, 'base URLs such as https://edge-1.example.net'),
    addresses: listOf(env, 'EDGE_ADDRESSES', (text) => isIP(text) !== 0, 'IP addresses'),
    location: readLocation(env),
    bitsPerSecondMax: megabits === 0 ? null : megabits * 1_000_000,
    connectionsMax: connections === 0 ? null : connections,
  };
}
