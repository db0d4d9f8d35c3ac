import { isOfPlatform, seesEveryTenant, seesTenant, type Principal } from '#domain/access';
import type { PurgeSelector } from '#events';
import { notFound } from '../http/problem.errors.ts';
import type { StreamReader } from '../streams/stream-reader.ts';
import type { NamedOrder } from './purge-order.ts';

/** Questions to the database at a time. */
const atOnce = 16;

/** Whose a host or a zone is; undefined for what is nobody's. */
export interface ZoneOwners {
  ofHost(host: string): Promise<string | undefined>;
  ofZone(zoneId: string): Promise<string | undefined>;
}

/** A stream, a host or a zone that must be the caller's, and where the request names it. */
interface Claim {
  readonly field: string;
  readonly stream?: string | undefined;
  readonly host?: string | undefined;
  readonly zone?: string | undefined;
}

interface Place {
  readonly host: string | undefined;
  readonly path: string;
}

/** A URL as an edge reads it: without dot segments, escapes undone. Undefined for what is no URL. */
function placeOf(target: string): Place | undefined {
  try {
    const url = new URL(target, 'http://edge');
    return { host: target.startsWith('/') ? undefined : url.hostname, path: decodeURIComponent(url.pathname) };
  } catch {
    return undefined;
  }
}

/** The stream below whose playlists the path lies; with `within`, only what can be nobody else's. */
function streamOf(path: string | undefined, within: boolean): string | undefined {
  return path === undefined ? undefined : (within ? /^\/+live\/+([^/]+)\// : /^\/+live\/+([^/]+)/).exec(path)?.[1];
}

function placed(field: string, target: string, within: boolean): Claim {
  const place = placeOf(target);
  return { field, host: place?.host, stream: streamOf(place?.path, within) };
}

function claimOf(field: string, { kind, value, host, zone }: PurgeSelector): Claim | undefined {
  switch (kind) {
    case 'prefix':
      return placed(field, value, true);
    case 'tag': {
      const stream = /^(?:stream|playlist)-(.+)$/i.exec(value)?.[1];
      return stream === undefined ? undefined : { field, stream };
    }
    case 'host':
      return { field, host: value };
    case 'zone':
      return { field, zone: value };
    case 'regex':
      return host === undefined && zone === undefined ? undefined : { field, host, zone };
    case 'all':
      return undefined;
  }
}

/** Sees to it that nobody makes edges forget what is another tenant's. */
export class PurgeTargets {
  readonly #streams: StreamReader;
  readonly #zones: ZoneOwners;

  constructor(streams: StreamReader, zones: ZoneOwners) {
    this.#streams = streams;
    this.#zones = zones;
  }

  /**
   * A tenant may purge what lies below `/live/<its stream>/`, its zones and their hosts; a caller of the platform everything
   * but other tenants' streams, hosts and zones. Media is shared by all who have the same bytes, and never changes: it is
   * nobody's to purge but the platform's. What names no place reaches the caller's own alone.
   * @throws ProblemError 404, the same for what is another's and for what is not there.
   */
  async check({ order, fields }: NamedOrder, principal: Principal): Promise<void> {
    if (seesEveryTenant(principal)) return;
    const claims = new Map<string, Claim>();
    const add = (claim: Claim | undefined): void => {
      if (claim !== undefined) claims.set(`${claim.host ?? ''} ${claim.zone ?? ''} ${claim.stream ?? ''}`, claim);
    };
    order.urls.forEach((url, at) => add(placed(`urls.${at}`, url, false)));
    order.selectors?.forEach((selector, at) => add(claimOf(fields[at] as string, selector)));
    const asked = [...claims.values()];
    for (let from = 0; from < asked.length; from += atOnce) {
      await Promise.all(asked.slice(from, from + atOnce).map((claim) => this.#check(claim, principal)));
    }
  }

  /** Those of the URLs that {@link check} would let through. */
  async allowed(urls: readonly string[], principal: Principal): Promise<readonly string[]> {
    if (seesEveryTenant(principal)) return urls;
    const asked = new Map<string, Promise<boolean>>();
    const kept: string[] = [];
    for (const url of urls) {
      const claim = placed('urls', url, false);
      const name = `${claim.host ?? ''} ${claim.stream ?? ''}`;
      const isTheirs = asked.get(name) ?? this.#isTheirs(claim, principal);
      asked.set(name, isTheirs);
      if (await isTheirs) kept.push(url);
    }
    return kept;
  }

  async #check(claim: Claim, principal: Principal): Promise<void> {
    if (!(await this.#isTheirs(claim, principal))) throw nothingThere(claim);
  }

  async #isTheirs({ stream, host, zone }: Claim, principal: Principal): Promise<boolean> {
    const owner = await this.#ownerOf(host, zone);
    if (owner !== undefined) return seesTenant(principal, owner);
    // On a host that no zone names, it is about the platform's own media.
    return stream === undefined ? isOfPlatform(principal) && zone === undefined : this.#hasStream(stream, principal);
  }

  #ownerOf(host: string | undefined, zone: string | undefined): Promise<string | undefined> {
    if (zone !== undefined) return this.#zones.ofZone(zone);
    return host === undefined ? Promise.resolve(undefined) : this.#zones.ofHost(host);
  }

  async #hasStream(streamId: string, principal: Principal): Promise<boolean> {
    const tenant = await this.#streams.tenantOf(streamId);
    return tenant === undefined ? isOfPlatform(principal) : seesTenant(principal, tenant);
  }
}

function nothingThere({ field, host, stream, zone }: Claim): Error {
  const place =
    zone !== undefined
      ? `in a zone ${zone}`
      : host !== undefined
        ? `on ${host}, which no zone of yours names`
        : `at this place${stream === undefined ? '' : ` (stream ${stream})`}`;
  return notFound('unknown-url', `body.${field}: There is nothing of yours ${place}.`);
}
