import type { Site, Zone } from './zone.ts';

/** The platform's own media, on every host that no zone names. */
export const platformZoneId = '';

/** Spellings of hosts that are remembered: capitals, ports, names below a wildcard. */
const spellingsMax = 10_000;
const namesMax = 10_000;

/** A host as a zone names it: without port and without the dot at the end of a full name, in lower case. */
export function hostNameOf(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') + 1 : host.indexOf(':');
  const name = (end <= 0 ? host : host.slice(0, end)).toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function authorityOf(url: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(url)?.[1];
}

/**
 * Which zone answers for a host. Looked at by every request: the host of the request before costs a comparison, any other
 * that was seen a look into a map.
 */
export class ZoneTable {
  readonly #platform: Site;
  readonly #byId = new Map<string, { readonly zone: Zone; readonly hosts: readonly string[] }>();
  readonly #byName = new Map<string, Zone>();
  /** By what follows the asterisk: `.example.org`. */
  readonly #bySuffix = new Map<string, Zone>();
  readonly #seen = new Map<string, Site>();
  /** Of zones whose hosts share nothing: under which names they were asked. */
  readonly #names = new Map<string, Set<string> | 'many'>();
  readonly #own: readonly string[];
  #onPut: ((zone: Zone) => void) | undefined;
  #lastHost: string | undefined;
  #lastSite: Site;

  /** @param own hosts, and `*.` for all below one, at which no zone answers whatever it says */
  constructor(platform: Zone, own: readonly string[] = []) {
    this.#own = own;
    this.#platform = { zone: platform, keyPrefix: '' };
    this.#lastSite = this.#platform;
  }

  siteOf(host: string | undefined): Site {
    if (host === this.#lastHost) return this.#lastSite;
    const site = host === undefined ? this.#platform : (this.#seen.get(host) ?? this.#look(host));
    this.#lastHost = host;
    this.#lastSite = site;
    return site;
  }

  all(): readonly Zone[] {
    return [this.#platform.zone, ...[...this.#byId.values()].map(({ zone }) => zone)];
  }

  get(id: string): Zone | undefined {
    return id === platformZoneId ? this.#platform.zone : this.#byId.get(id)?.zone;
  }

  /** Tells of every zone, or version of one, that is put here from now on. */
  watch(onPut: (zone: Zone) => void): void {
    this.#onPut = onPut;
  }

  /** In place of the version before; which it was. Hosts are names in lower case, or `*.` and a name. */
  put(zone: Zone, hosts: readonly string[]): Zone | undefined {
    const before = this.#byId.get(zone.id)?.zone;
    this.#byId.set(zone.id, { zone, hosts });
    this.#rebuild();
    this.#onPut?.(zone);
    return before;
  }

  remove(id: string): Zone | undefined {
    const before = this.#byId.get(id)?.zone;
    this.#byId.delete(id);
    this.#names.delete(id);
    this.#rebuild();
    return before;
  }

  /**
   * The keys that a purge names: those of its host for a URL, of all hosts for a path. Undefined when there are too many
   * hosts to name them all: then everything must go.
   * @param tenant whose zones alone are meant, besides the platform's own; of all when left out
   */
  keysOf(url: string, tenant?: string): readonly string[] | undefined {
    const authority = authorityOf(url);
    const sites = authority === undefined ? this.#allSites() : [this.#look(authority)];
    return sites?.flatMap(({ zone, keyPrefix }) => {
      if (tenant !== undefined && zone.tenant !== '' && zone.tenant !== tenant) return [];
      const path = zone.keyOfUrl(url);
      return path === undefined ? [] : [keyPrefix + path];
    });
  }

  #allSites(): Site[] | undefined {
    const sites = [this.#platform];
    for (const { zone } of this.#byId.values()) {
      const names = zone.hostInKey ? (this.#names.get(zone.id) ?? []) : [''];
      if (names === 'many') return undefined;
      for (const name of names) sites.push({ zone, keyPrefix: prefixOf(zone, name) });
    }
    return sites;
  }

  #look(host: string): Site {
    const name = hostNameOf(host);
    const isOwn = this.#own.some((own) => own === name || (own.startsWith('*.') && name.endsWith(own.slice(1))));
    const zone = isOwn ? undefined : (this.#byName.get(name) ?? this.#below(name));
    if (zone?.hostInKey === true) this.#remember(zone.id, name);
    const site = zone === undefined ? this.#platform : { zone, keyPrefix: prefixOf(zone, name) };
    if (this.#seen.size >= spellingsMax) this.#seen.clear();
    this.#seen.set(host, site);
    return site;
  }

  /** What nobody asked for under a name is not there, so these are all names that a purge of a path is about. */
  #remember(zoneId: string, name: string): void {
    const names = this.#names.get(zoneId) ?? new Set();
    this.#names.set(zoneId, names);
    if (names === 'many') return;
    names.add(name);
    if (names.size > namesMax) this.#names.set(zoneId, 'many');
  }

  /** The most special wildcard counts. */
  #below(name: string): Zone | undefined {
    if (this.#bySuffix.size === 0) return undefined;
    for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
      const zone = this.#bySuffix.get(name.slice(dot));
      if (zone !== undefined) return zone;
    }
    return undefined;
  }

  /** Of two zones that name one host, which claims never let happen, the one with the smaller id counts: the same on every edge. */
  #rebuild(): void {
    this.#byName.clear();
    this.#bySuffix.clear();
    this.#seen.clear();
    this.#lastHost = undefined;
    this.#lastSite = this.#platform;
    for (const { zone, hosts } of [...this.#byId.values()].toSorted((a, b) => (a.zone.id < b.zone.id ? 1 : -1))) {
      for (const host of hosts) {
        if (host.startsWith('*.')) this.#bySuffix.set(host.slice(1), zone);
        else this.#byName.set(host, zone);
      }
    }
  }
}

/** No slash in it: the path begins with the first. */
function prefixOf(zone: Zone, hostName: string): string {
  if (zone.id === platformZoneId) return '';
  return `${zone.id}.${zone.epoch}${zone.hostInKey ? `!${hostName}` : ''}`;
}

/** Of which zone, and which of its epochs, a key is. */
export function zoneOfKey(key: string): { readonly id: string; readonly epoch: number } {
  const end = key.indexOf('/');
  if (end <= 0) return { id: platformZoneId, epoch: 0 };
  const [prefix = ''] = key.slice(0, end).split('!', 1);
  const dot = prefix.lastIndexOf('.');
  return { id: prefix.slice(0, dot), epoch: Number(prefix.slice(dot + 1)) };
}
