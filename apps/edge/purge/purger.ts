import {
  hostLabel,
  normaliseTarget,
  purgeTargets,
  tagLabel,
  tenantLabel,
  zoneLabel,
  type PurgeLabel,
  type PurgeLedger,
  type PurgeTarget,
} from '#core/http-cache';
import type { PurgeSelector } from '#events';
import type { FactCause } from '#runtime';
import type { ObjectStore } from '../cache/object-store.ts';
import { hostNameOf, platformZoneId, type ZoneTable } from '../zones/zone-table.ts';
import { countTargets } from './purge-counter.ts';
import type { ReclaimedCounts } from './reclaimed-counts.ts';

/** Names a purge to those who count its objects. */
export interface CountedPurge {
  readonly purgeId: string;
  /** What was counted at once. */
  readonly objects: number;
  readonly tenant: string;
  readonly cause: FactCause;
}

export interface PurgerDeps {
  readonly ledger: PurgeLedger;
  readonly store: ObjectStore;
  readonly zones: ZoneTable;
  readonly reclaimed: ReclaimedCounts<CountedPurge>;
  readonly now: () => number;
}

export interface PurgeOrder {
  readonly urls: readonly string[];
  readonly selectors?: readonly PurgeSelector[] | undefined;
  readonly soft?: boolean | undefined;
}

/** What a purge has done by the time it is applied. */
export interface PurgeDone {
  /** Objects that are known to be hit: those of URLs. All others are counted while their memory is freed. */
  readonly objects: number;
  /** The generations that it made. */
  readonly first: number;
  readonly last: number;
}

/** Where a selector without a host reaches: everywhere, or into the platform's media and a tenant's own zones. */
function reachOf(tenant: string | undefined): ReadonlyArray<PurgeLabel | undefined> {
  return tenant === undefined ? [undefined] : [zoneLabel(platformZoneId), tenantLabel(tenant)];
}

/** Makes the edge forget. First the ledger, so that no fill under way can put back what the store drops. */
export class Purger {
  readonly #deps: PurgerDeps;

  constructor(deps: PurgerDeps) {
    this.#deps = deps;
  }

  /** @throws Error for a pattern that is none: then only forgetting everything is right */
  apply({ urls, selectors = [], soft = false }: PurgeOrder): PurgeDone {
    const { ledger, now } = this.#deps;
    const first = ledger.generation + 1;
    const mark = soft ? { atMs: now() } : undefined;
    for (const target of this.targetsOf({ urls, selectors })) ledger.purge(target, mark);
    const objects = soft ? 0 : urls.reduce((sum, url) => sum + this.#drop(url), 0);
    return { objects, first, last: ledger.generation };
  }

  /** How many objects it would hit, now. */
  count(order: PurgeOrder): Promise<number> {
    return countTargets(this.targetsOf(order), this.#deps.store);
  }

  /** What it names. */
  targetsOf({ urls, selectors = [] }: PurgeOrder): PurgeTarget[] {
    return [...urls.flatMap((url) => this.#urlTargets(url)), ...selectors.flatMap((selector) => this.#selected(selector))];
  }

  /** Of a purge that was applied: who asked for it is told how many objects that were. */
  countLater(purge: CountedPurge, { first, last }: PurgeDone): void {
    this.#deps.reclaimed.watch(purge, first, last);
  }

  /** How many objects that are; their memory is freed behind it. */
  purgeAll(): number {
    this.#deps.ledger.purge(purgeTargets.all);
    this.#deps.store.clearDisk();
    return this.#deps.store.size;
  }

  #selected(selector: PurgeSelector): readonly PurgeTarget[] {
    switch (selector.kind) {
      case 'prefix':
        return this.#prefixTargets(selector.value, selector.tenant);
      case 'regex':
        return this.#scopes(selector).map((label) => purgeTargets.pattern(selector.value, label));
      case 'tag':
        return [purgeTargets.label(tagLabel(selector.value, selector.tenant))];
      case 'host':
        return [purgeTargets.label(this.#hostLabel(selector.value))];
      case 'zone':
        return [purgeTargets.label(zoneLabel(selector.value))];
      case 'all':
        return [selector.tenant === undefined ? purgeTargets.all : purgeTargets.label(tenantLabel(selector.tenant))];
    }
  }

  /** A URL is about its host, a path about every host. What cannot be a key here cannot have been stored here. */
  #urlTargets(url: string): PurgeTarget[] {
    const { zones } = this.#deps;
    if (!url.startsWith('/')) return (zones.keysOf(url) ?? []).map((key) => purgeTargets.key(key));
    // Zones differ in what they make of a query.
    const paths = new Set(zones.all().flatMap((zone) => zone.keyOfUrl(url) ?? []));
    return [...paths].map((path) => purgeTargets.path(path));
  }

  #prefixTargets(prefix: string, tenant: string | undefined): PurgeTarget[] {
    const [, authority, rest = ''] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)(.*)$/.exec(prefix) ?? [];
    const path = normaliseTarget(authority === undefined ? prefix : rest === '' ? '/' : rest);
    if (path === undefined) return [];
    const labels = authority === undefined ? reachOf(tenant) : [this.#hostLabel(authority)];
    return labels.map((label) => purgeTargets.prefix(path, label));
  }

  #scopes({ host, zone, tenant }: PurgeSelector): ReadonlyArray<PurgeLabel | undefined> {
    if (zone !== undefined) return [zoneLabel(zone)];
    if (host !== undefined) return [this.#hostLabel(host)];
    return [tenant === undefined ? undefined : tenantLabel(tenant)];
  }

  /** Hosts that share their objects are purged together: nobody can tell whose they are. */
  #hostLabel(host: string): PurgeLabel {
    const { zone } = this.#deps.zones.siteOf(host);
    return zone.hostInKey ? hostLabel(hostNameOf(host)) : zoneLabel(zone.id);
  }

  #drop(url: string): number {
    let objects = 0;
    for (const key of this.#deps.zones.keysOf(url) ?? []) objects += this.#deps.store.purge(key);
    return objects;
  }
}
