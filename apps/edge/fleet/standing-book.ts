import type { EdgeStanding } from '#domain/edge';
import { edgeDrained, edgeRemoved, edgeResumed, type DomainEvent } from '#events';

export interface Stands {
  readonly standing: EdgeStanding;
  readonly reason: string;
}

/** What operators decided about this edge, or the edge whose process it is, as the log tells it. */
export class StandingBook {
  readonly #ids: ReadonlySet<string>;
  readonly #known = new Map<string, Stands>();
  #changed: () => void = () => undefined;

  constructor(ids: readonly string[]) {
    this.#ids = new Set(ids);
  }

  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Where it stands: of the process and its edge, the one that serves less. */
  get stands(): Stands | undefined {
    const all = [...this.#known.values()];
    return all.find(({ standing }) => standing === 'removed') ?? all.find(({ standing }) => standing === 'draining');
  }

  get entries(): ReadonlyArray<readonly [string, Stands]> {
    return [...this.#known];
  }

  restore(entries: ReadonlyArray<readonly [string, Stands]>): void {
    for (const [id, stands] of entries) if (this.#ids.has(id)) this.#known.set(id, stands);
  }

  /** Events of other edges, and other events, change nothing. Those of mirrored regions are about edges of theirs. */
  apply(event: DomainEvent): void {
    if (event.type !== edgeDrained.type && event.type !== edgeResumed.type && event.type !== edgeRemoved.type) return;
    const { edgeId, reason } = event.data;
    if (event.origin !== undefined || !this.#ids.has(edgeId)) return;
    const standing = event.type === edgeDrained.type ? 'draining' : event.type === edgeRemoved.type ? 'removed' : 'serving';
    this.#known.set(edgeId, { standing, reason });
    this.#changed();
  }
}
