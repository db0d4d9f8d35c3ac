import { KeptErasures, type KeptErasure, type KeptErasureCount } from '#ports';

/** Erasures that wait for as long as their object lives. */
export class MemoryKeptErasures extends KeptErasures {
  readonly #kept = new Map<string, KeptErasure>();

  override async keep(erasure: KeptErasure): Promise<void> {
    if (!this.#kept.has(erasure.eventId)) this.#kept.set(erasure.eventId, erasure);
  }

  override async kept(limit: number, after?: string): Promise<readonly KeptErasure[]> {
    const all = [...this.#kept.values()];
    const from = after === undefined ? 0 : all.findIndex(({ eventId }) => eventId === after) + 1;
    return all.slice(from, from + limit);
  }

  override async of(origin: string, subject: string): Promise<readonly KeptErasure[]> {
    return [...this.#kept.values()].filter((one) => one.origin === origin && one.subject === subject);
  }

  override async settle(eventIds: readonly string[]): Promise<void> {
    for (const eventId of eventIds) this.#kept.delete(eventId);
  }

  override async counts(): Promise<readonly KeptErasureCount[]> {
    const groups = Map.groupBy(this.#kept.values(), ({ origin, check }) => `${origin} ${check}`);
    const counts = [...groups.values()].map((all) => {
      const [{ origin, check }] = all as [KeptErasure];
      return { origin, check, count: all.length, oldestAtMs: Math.min(...all.map(({ heardAtMs }) => heardAtMs)) };
    });
    return counts.toSorted((one, other) => (`${one.origin} ${one.check}` < `${other.origin} ${other.check}` ? -1 : 1));
  }
}
