import { readFile } from 'node:fs/promises';
import { exitCodes, messageOf, PlainFailure } from '../streams.errors.ts';
import type { CommandContext } from './context.ts';
import { table } from './table.ts';

interface Zone {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly version: number;
  readonly shieldUrl: string | null;
  readonly configuration: {
    readonly hosts: readonly string[];
    readonly origins: ReadonlyArray<{ readonly url: string; readonly backup?: boolean; readonly weight?: number }>;
    readonly rules?: readonly unknown[];
  };
}

interface ZoneVersion {
  readonly version: number;
  readonly at: string | null;
  readonly by: string;
  readonly reason: string;
  readonly rolledBackTo: number | null;
  readonly removed: boolean;
}

export interface ChangeZoneOptions {
  readonly reason?: string;
  /** The version that is changed; whatever there is when left out. */
  readonly expect?: number;
}

const pathOf = (name: string): string => `/api/v1/cdn/zones/${encodeURIComponent(name)}`;
const conditions = ({ expect }: ChangeZoneOptions): Record<string, string> => (expect === undefined ? {} : { 'if-match': `"${expect}"` });
const reasonOf = ({ reason }: ChangeZoneOptions): object => (reason === undefined ? {} : { reason });

function linesOf({ configuration, id, name, shieldUrl, tenant, version }: Zone): string[] {
  return [
    `${name}  version ${version}`,
    `  id          ${id}`,
    `  tenant      ${tenant}`,
    ...configuration.hosts.map((host) => `  host        ${host}`),
    ...configuration.origins.map(
      ({ backup, url, weight }) => `  origin      ${url}${weight === undefined ? '' : `  weight ${weight}`}${backup === true ? '  backup' : ''}`,
    ),
    `  rules       ${configuration.rules?.length ?? 0}`,
    ...(shieldUrl === null ? [] : [`  shield      ${shieldUrl}`]),
  ];
}

async function readZone(file: string): Promise<object> {
  try {
    const value: unknown = JSON.parse(await readFile(file === '-' ? '/dev/stdin' : file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    throw new TypeError('it is not an object');
  } catch (error) {
    throw new PlainFailure(
      `${file} is no zone in JSON, such as {"hosts": ["www.example.org"], "origins": [{"url": "https://origin.example.org"}]}: ${messageOf(error)}`,
      exitCodes.usage,
    );
  }
}

export async function listZones({ api, print }: CommandContext): Promise<void> {
  const page = await api.call<{ readonly items: readonly Zone[] }>('GET', '/api/v1/cdn/zones');
  print(page, () => {
    if (page.items.length === 0) return ['There are no zones: "streams zone set NAME FILE.json" puts a site behind the edges.'];
    const rows = page.items.map(({ configuration, name, tenant, version }) => [name, tenant, String(version), configuration.hosts.join(' ')]);
    return table(['NAME', 'TENANT', 'VERSION', 'HOSTS'], rows);
  });
}

export async function showZone({ api, print }: CommandContext, name: string): Promise<void> {
  const zone = await api.call<Zone>('GET', pathOf(name));
  print(zone, () => linesOf(zone));
}

export async function setZone({ api, print }: CommandContext, name: string, file: string, options: ChangeZoneOptions): Promise<void> {
  const zone = await api.call<Zone>('PUT', pathOf(name), { ...(await readZone(file)), ...reasonOf(options) }, conditions(options));
  print(zone, () => linesOf(zone));
}

export async function zoneVersions({ api, print }: CommandContext, name: string): Promise<void> {
  const page = await api.call<{ readonly items: readonly ZoneVersion[] }>('GET', `${pathOf(name)}/versions`);
  print(page, () => {
    const rows = page.items.map(({ at, by, reason, removed, rolledBackTo, version }) => {
      const what = removed ? 'removed' : rolledBackTo === null ? 'configured' : `back to ${rolledBackTo}`;
      return [String(version), at ?? '', what, by, reason];
    });
    return table(['VERSION', 'AT', 'WHAT', 'BY', 'REASON'], rows);
  });
}

export async function rollBackZone({ api, print }: CommandContext, name: string, version: number, options: ChangeZoneOptions): Promise<void> {
  const zone = await api.call<Zone>('POST', `${pathOf(name)}/rollback`, { version, ...reasonOf(options) }, conditions(options));
  print(zone, () => [`The zone ${name} is served as version ${version} said; this is version ${zone.version}.`]);
}

export async function renewZoneHook({ api, print }: CommandContext, name: string): Promise<void> {
  const hook = await api.call<{ readonly path: string; readonly secret: string }>('POST', `${pathOf(name)}/hook`);
  print(hook, () => [
    `Origins of ${name} say what changed by POST ${hook.path}, signed (Standard Webhooks) with the secret`,
    '',
    `  ${hook.secret}`,
    '',
    'It is shown this once; the one before is void.',
  ]);
}

export async function removeZone({ api, print }: CommandContext, name: string, options: ChangeZoneOptions): Promise<void> {
  const query = options.reason === undefined ? '' : `?${new URLSearchParams({ reason: options.reason })}`;
  await api.call('DELETE', `${pathOf(name)}${query}`, undefined, conditions(options));
  print({ name }, () => [`The zone ${name} is no more; "streams zone rollback ${name} VERSION" brings a version back.`]);
}
