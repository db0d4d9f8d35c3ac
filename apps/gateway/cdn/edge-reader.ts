import { edgeTable } from '#domain/edge';
import type { Clock, ReadStore } from '#ports';
import { readRegistryRows } from '#read-models';
import { notFound } from '../http/problem.errors.ts';
import { cdnHealthOf, type CdnHealth, type EdgeHealth } from './edge-health.view.ts';

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

  async knows(id: string): Promise<boolean> {
    return (await this.#reads.select(edgeTable, { keys: [{ edge_id: id, origin: '' }], limit: 1 })).length > 0;
  }
}
