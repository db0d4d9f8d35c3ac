import { edgeTable, registryOf, type RegisteredEdge } from '#domain/edge';
import type { Clock, ReadStore } from '#ports';
import { readRegistryRows } from '#read-models';
import { notFound } from '../http/problem.errors.ts';
import { cdnHealthOf, type CdnHealth, type EdgeHealth } from './edge-health.view.ts';

const peersMax = 32;

/** Reads what edges there are, and how they are. */
export class EdgeReader {
  readonly #reads: ReadStore;
  readonly #clock: Clock;
  readonly #keysRequired: boolean;

  constructor(reads: ReadStore, clock: Clock, { keysRequired }: { readonly keysRequired: boolean }) {
    this.#reads = reads;
    this.#clock = clock;
    this.#keysRequired = keysRequired;
  }

  async health(): Promise<CdnHealth> {
    return cdnHealthOf(await readRegistryRows(this.#reads), { nowMs: this.#clock.now(), keysRequired: this.#keysRequired });
  }

  /** Of this region. @throws ProblemError 404 */
  async existing(id: string): Promise<EdgeHealth> {
    const edge = (await this.health()).edges.find((each) => each.id === id && each['mirroredFrom'] === null);
    if (edge === undefined) throw notFound('unknown-edge', `There is no edge ${id}.`);
    return edge;
  }

  /** Those from which an edge can take what is hot there: who is up, of its region first, and the busiest of them. */
  async peersOf(id: string, region: string | undefined): Promise<ReadonlyArray<Pick<RegisteredEdge, 'region' | 'url'> & { readonly id: string }>> {
    const registry = registryOf(await readRegistryRows(this.#reads), { nowMs: this.#clock.now(), keysRequired: this.#keysRequired });
    const here = registry.filter(({ origin }) => origin === '');
    const own = here.find(({ edgeId }) => edgeId === id);
    const near = region ?? own?.region ?? null;
    const others = here.filter(({ edgeId, node, state, url }) => state === 'up' && url !== null && edgeId !== id && node !== (own?.node ?? id));
    const rank = (edge: RegisteredEdge): number => (edge.region === near ? 1e15 : 0) + (edge.load?.bitsPerSecond ?? 0);
    return others
      .toSorted((a, b) => rank(b) - rank(a) || (a.edgeId < b.edgeId ? -1 : 1))
      .slice(0, peersMax)
      .map((edge) => ({ id: edge.edgeId, url: edge.url, region: edge.region }));
  }

  async knows(id: string): Promise<boolean> {
    return (await this.#reads.select(edgeTable, { keys: [{ edge_id: id, origin: '' }], limit: 1 })).length > 0;
  }
}
