import { edgeTable, hostsOverlap } from '#domain/edge';
import type { ReadStore } from '#ports';

export interface OwnHostsDeps {
  /** By the settings. */
  readonly hosts: readonly string[];
  readonly reads: ReadStore;
}

const edgesMax = 10_000;

/** Hosts at which clients reach the platform itself: those of its settings, and those of its edges. */
export class OwnHosts {
  readonly #deps: OwnHostsDeps;

  constructor(deps: OwnHostsDeps) {
    this.#deps = deps;
  }

  /** Undefined where none of these is the platform's, or has one of its hosts below it. */
  async firstOf(hosts: readonly string[]): Promise<string | undefined> {
    const own = [...this.#deps.hosts, ...(await this.#ofEdges())];
    return hosts.find((host) => own.some((one) => hostsOverlap(one, host)));
  }

  async #ofEdges(): Promise<readonly string[]> {
    // Those of mirrored regions too.
    const rows = await this.#deps.reads.select(edgeTable, { limit: edgesMax });
    return rows.flatMap(({ url, urls }) => {
      const all = [url, ...(Array.isArray(urls) ? (urls as unknown[]) : [])];
      return all.flatMap((one) => (typeof one === 'string' && URL.canParse(one) ? [new URL(one).hostname.toLowerCase()] : []));
    });
  }
}
