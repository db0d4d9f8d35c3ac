import { networkFault } from '#core/network';
import { zoneProblem } from '#domain/edge';
import { zoneConfigurationSchema, zonePurgersMax, type ZoneConfiguration } from '#events';
import { OperatingError } from '#kernel';
import type { EdgePrefetchInit } from '../prefetch/edge-prefetch.ts';
import { prefetchOf } from '../prefetch/prefetch.config.ts';
import { evictions, type Eviction } from '../cache/object-store.ts';
import { originConnections } from '../origin/origin-endpoint.ts';
import { sharedTierDefaults, type SharedTierSettings } from '../shared-tier/shared-tier.config.ts';
import type { DiskSettings } from '../store/disk.config.ts';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';

/** What an edge that stands alone is told: by a file of five lines. Sizes in bytes, durations in ms. */
export interface SiteSettings {
  readonly host: string;
  readonly port: number;
  /** Scheme, host and port, without a path. */
  readonly originUrl: string;
  /** Connections over HTTP/1.1 to one address of an origin. */
  readonly originConnectionsMax: number;
  /** Names that the edge answers to; all when empty. */
  readonly hosts: readonly string[];
  /** Everything about the site in the words of a zone, where the file has it; else there is one origin and a lifetime. */
  readonly zone: ZoneConfiguration | undefined;
  readonly memoryBytesMax: number;
  readonly eviction: Eviction;
  /** Where objects are kept beyond the memory, and over restarts; undefined for nowhere. */
  readonly disk: DiskSettings | undefined;
  /** How long things live where the origin does not say; undefined leaves it to their kind. */
  readonly ttlMs: number | undefined;
  /** A folder of certificates, and where HTTPS listens. */
  readonly tls: { readonly folder: string; readonly port: number } | undefined;
  /** What is fetched before it is asked for; undefined for nothing. */
  readonly prefetch: EdgePrefetchInit | undefined;
  /** A Redis or Valkey in which edges of this site keep objects for each other; undefined for none. */
  readonly shared: SharedTierSettings | undefined;
  readonly purgeKey: string;
  /** Addresses and networks from which PURGE needs no key; undefined for none. */
  readonly purgers: readonly string[] | undefined;
  /** Whether the key was made up for this run. */
  readonly purgeKeyIsNew: boolean;
}

const hostName = /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i;
const sizeUnits: Readonly<Record<string, number>> = { kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };
const timeUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function measured(units: Readonly<Record<string, number>>, example: string) {
  return z.string(`must be text with a unit, as ${example}`).transform((text, context) => {
    const match = /^(\d{1,9})\s*([a-z]+)$/i.exec(text.trim());
    const unit = units[match?.[2]?.toLowerCase() ?? ''];
    if (match !== null && unit !== undefined) return Number(match[1]) * unit;
    context.addIssue({
      code: 'custom',
      message: `must be a number with a unit (${Object.keys(units).join(', ')}), as ${example}, but is ${JSON.stringify(text)}`,
    });
    return z.NEVER;
  });
}

const listen = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(?:([^\s:]+|\[[0-9a-f:]+\]):)?(\d{1,5})$/i.exec(String(value));
  const port = Number(match?.[2]);
  if (match !== null && port <= 65_535) return { host: match[1] ?? '0.0.0.0', port };
  context.addIssue({ code: 'custom', message: `must be a port, or an address and a port (127.0.0.1:8080), but is ${JSON.stringify(value)}` });
  return z.NEVER;
});

const origin = z.string('must be a URL, as https://www.example.com').transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.username === '') return url.origin;
  context.addIssue({ code: 'custom', message: `must be an http or https URL without a path, but is ${JSON.stringify(text)}` });
  return z.NEVER;
});

const prefetch = z.strictObject({ segments: z.number().int().min(1).max(20).default(2), mbit: z.number().int().min(1).max(100_000).default(200) });

const redisUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol), 'must be a URL that begins with redis:// or rediss://');

const schema = z.strictObject({
  listen: listen.default({ host: '0.0.0.0', port: 8080 }),
  origin: origin.optional(),
  originConnections: z.number().int().min(originConnections.min).max(originConnections.max).default(originConnections.usual),
  zone: zoneConfigurationSchema.optional(),
  hosts: z.array(z.string().regex(hostName, 'must be host names, as www.example.com or *.example.com')).max(1000).default([]),
  memory: measured(sizeUnits, '256mb').default(256 * 2 ** 20),
  eviction: z.enum(evictions).default('sieve'),
  disk: measured(sizeUnits, '10gb').optional(),
  diskFolder: z.string().min(1).optional(),
  ttl: measured(timeUnits, '5m').optional(),
  tls: z.string().min(1).optional(),
  tlsPort: z.number().int().min(0).max(65_535).default(8443),
  prefetch: z.union([z.boolean(), prefetch], 'must be true, false, or { segments: 2, mbit: 200 }').default(true),
  shared: redisUrl.optional(),
  purgers: z.array(z.string()).min(1).max(zonePurgersMax).optional(),
  purgeKey: z.string().min(16, 'must have at least 16 characters').max(256).optional(),
});

const memoryBytesMin = 2 ** 20;
const diskBytesMin = 2 ** 24;
/** As of the edges of a platform. */
const diskBytesMax = 2 ** 44;
const diskSegmentBytes = 2 ** 26;

function invalid(path: string, why: string, cause?: unknown): OperatingError {
  return new OperatingError(`${path}: ${why}`, { code: 'SETTING_INVALID', retryable: false, cause });
}

interface YamlRuntime {
  readonly Bun?: { readonly YAML: { parse(text: string): unknown } };
}

/** YAML is read by Bun, JSON by everybody. */
function parse(path: string, text: string): unknown {
  const yaml = (globalThis as unknown as YamlRuntime).Bun?.YAML;
  if (!path.endsWith('.json') && yaml === undefined) throw invalid(path, 'YAML is read by Bun alone; on Node write the file as JSON, and name it .json');
  try {
    return path.endsWith('.json') ? JSON.parse(text) : yaml?.parse(text);
  } catch (cause) {
    throw invalid(path, `is no ${path.endsWith('.json') ? 'JSON' : 'YAML'}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/** There is one zone, so that what counts for it counts for all. */
function aheadOf(said: Site['prefetch']): EdgePrefetchInit | undefined {
  if (said === false) return undefined;
  const { mbit, segments } = said === true ? prefetch.parse({}) : said;
  return prefetchOf({ segmentsAhead: segments, mbit, zoneMbit: mbit });
}

const kinds: Readonly<Record<string, string>> = {
  ...{ array: 'a list', object: 'settings, each `name: value`', string: 'a text', number: 'a number', int: 'a whole number', boolean: 'true or false' },
};

function told({ code, path, message, ...issue }: z.core.$ZodIssue): string {
  const name = path.length === 0 ? 'the file' : path.join('.');
  const kind = code === 'invalid_type' && message.startsWith('Invalid input') ? kinds[String((issue as { expected?: unknown }).expected)] : undefined;
  if (kind !== undefined) return `${name} must be ${kind}`;
  if (code !== 'unrecognized_keys') return `${name} ${message}`;
  const unknown = (issue as { keys?: string[] }).keys?.join(', ');
  return path.length === 0 ? `knows no ${unknown}: the settings are ${Object.keys(schema.shape).join(', ')}` : `${name} knows no ${unknown}`;
}

type Site = z.infer<typeof schema>;

/** What the parts must be together. */
function problemOf({ disk, diskFolder, hosts, memory, origin: originUrl, purgers, ttl, zone }: Site): string | undefined {
  for (const [at, purger] of (purgers ?? []).entries()) {
    const fault = networkFault(purger);
    if (fault !== undefined) return `purgers.${at}: ${fault}`;
  }
  if (memory < memoryBytesMin) return 'memory must be at least 1mb';
  if (memory > totalmem()) return `memory must be less than this machine has, ${Math.floor(totalmem() / 2 ** 20)}mb`;
  if (disk !== undefined && disk < diskBytesMin) return 'disk must be at least 16mb';
  if (disk !== undefined && disk > diskBytesMax) return 'disk must be at most 16384gb';
  if (disk === undefined && diskFolder !== undefined) return 'disk is missing: it is how much may lie in diskFolder, as 10gb';
  if (zone === undefined) return originUrl === undefined ? 'origin is missing: it is where the edge fetches from, as https://www.example.com' : undefined;
  if (originUrl !== undefined || ttl !== undefined || hosts.length > 0) return 'zone says hosts, origins and lifetimes itself: leave out origin, hosts and ttl';
  if (purgers !== undefined) return 'zone says purgers itself: name them there';
  const problem = zoneProblem(zone);
  return problem === undefined ? undefined : `zone.${problem.field}: ${problem.message}`;
}

/**
 * The settings of a site from its file.
 * @throws OperatingError `SETTING_INVALID` that says everything that is wrong with it.
 */
export function readSite(path: string): SiteSettings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(path, `cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause);
  }
  const result = schema.safeParse(parse(path, text) ?? {});
  if (!result.success) throw invalid(path, result.error.issues.map(told).join('; '));
  const { disk, diskFolder = 'edge-cache', eviction, hosts, listen: where, memory, origin: originUrl, purgeKey, shared, tls, tlsPort, ttl, zone } = result.data;
  const { prefetch: ahead } = result.data;
  const problem = problemOf(result.data);
  if (problem !== undefined) throw invalid(path, problem);
  return {
    ...where,
    originUrl: originUrl ?? (zone?.origins[0]?.url as string),
    originConnectionsMax: result.data.originConnections,
    hosts: (zone?.hosts ?? hosts).map((name) => name.toLowerCase()),
    zone,
    memoryBytesMax: memory,
    eviction,
    disk: disk === undefined ? undefined : { path: resolve(dirname(path), diskFolder), bytesMax: disk, segmentBytes: diskSegmentBytes },
    ttlMs: ttl,
    prefetch: aheadOf(ahead),
    tls: tls === undefined ? undefined : { folder: resolve(dirname(path), tls), port: tlsPort },
    shared: shared === undefined ? undefined : { url: shared, ...sharedTierDefaults },
    purgers: zone?.purgers ?? result.data.purgers,
    purgeKey: purgeKey ?? randomBytes(18).toString('base64url'),
    purgeKeyIsNew: purgeKey === undefined,
  };
}
