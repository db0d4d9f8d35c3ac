import type { EventIndex, IndexedEvent } from '#ports';

export interface CausationLimits {
  /** Steps from the event asked for, up and down. */
  readonly depthMax: number;
  readonly nodesMax: number;
}

export interface CausationNode {
  readonly event: IndexedEvent;
  /** 0 for what the tree begins with. */
  readonly depth: number;
  /** The event that caused it, when it is in the tree. */
  readonly parentId: string | undefined;
}

export interface CausationTree {
  /** What the first events name as their cause, which is no event: a request, a session, an event that is not kept any more. */
  readonly causeId: string | undefined;
  /** In the order in which a tree is read: each event before what it caused, siblings by time. */
  readonly nodes: readonly CausationNode[];
  /** True when there is more than the limits allow. */
  readonly truncated: boolean;
}

/**
 * The events that led to one, up to the first, and everything that came of them, across contexts. What the reader may not
 * see is not there, nor what came of it. The event itself, its ancestors and what it caused come first; what else its ancestors
 * caused, as far as there is room.
 */
export async function causationTree(
  index: EventIndex,
  start: IndexedEvent,
  limits: CausationLimits,
  isSeen: (event: IndexedEvent) => boolean,
): Promise<CausationTree> {
  const gathering = new Gathering(index, limits, isSeen);
  gathering.add(start);
  await gathering.descend([start.id], limits.depthMax);
  const ancestors = await gathering.climb(start);
  const first = ancestors.at(-1) ?? start;
  // Others with the cause of the first: the same request, the same session.
  const others = gathering.has(first.causationId) || gathering.isCauseHidden ? [] : [first.causationId];
  const roots = [...ancestors.map(({ id }) => id), ...others];
  await gathering.descend(roots, limits.depthMax);
  return gathering.tree(first);
}

class Gathering {
  readonly #index: EventIndex;
  readonly #limits: CausationLimits;
  readonly #isSeen: (event: IndexedEvent) => boolean;
  readonly #events = new Map<string, IndexedEvent>();
  /** Causes whose effects have been looked up. */
  readonly #asked = new Set<string>();
  #truncated = false;
  #isCauseHidden = false;

  constructor(index: EventIndex, limits: CausationLimits, isSeen: (event: IndexedEvent) => boolean) {
    this.#index = index;
    this.#limits = limits;
    this.#isSeen = isSeen;
  }

  /** The first event has a cause that the reader may not see. */
  get isCauseHidden(): boolean {
    return this.#isCauseHidden;
  }

  has(id: string): boolean {
    return this.#events.has(id);
  }

  add(event: IndexedEvent): void {
    this.#events.set(event.id, event);
  }

  /** The causes of an event, the nearest first. */
  async climb(start: IndexedEvent): Promise<readonly IndexedEvent[]> {
    const ancestors: IndexedEvent[] = [];
    for (let at = start; ancestors.length < this.#limits.depthMax;) {
      if (at.causationId === at.id || ancestors.some(({ id }) => id === at.causationId)) return ancestors;
      const causes = await this.#index.find([at.causationId]);
      const cause = causes.find(this.#isSeen);
      this.#isCauseHidden = causes.length > 0 && cause === undefined;
      if (cause === undefined) return ancestors;
      this.add(cause);
      ancestors.push(cause);
      at = cause;
    }
    this.#truncated = true;
    return ancestors;
  }

  /** Level by level, everything that these caused. */
  async descend(causes: readonly string[], depthMax: number): Promise<void> {
    let level = causes;
    for (let depth = 0; level.length > 0; depth++) {
      const asked = level.filter((id) => !this.#asked.has(id));
      const room = this.#limits.nodesMax - this.#events.size;
      if (asked.length === 0) return;
      if (depth >= depthMax || room <= 0) {
        // Whether there is more is worth one question: a tree that ends here is whole.
        this.#truncated ||= await this.#hasMore(asked);
        return;
      }
      for (const id of asked) this.#asked.add(id);
      const known = this.#events.size;
      const effects = await this.#index.causedBy(asked, room + known + 1);
      const fresh = effects.filter((event) => !this.has(event.id) && this.#isSeen(event));
      if (fresh.length > room) this.#truncated = true;
      level = fresh.slice(0, room).map((event) => {
        this.add(event);
        return event.id;
      });
    }
  }

  /** True when these caused something that is not in the tree. */
  async #hasMore(causes: readonly string[]): Promise<boolean> {
    const wanted = new Set(causes);
    const known = [...this.#events.values()].filter(({ causationId }) => wanted.has(causationId)).length;
    return (await this.#index.causedBy(causes, known + 1)).some((event) => !this.has(event.id) && this.#isSeen(event));
  }

  tree(first: IndexedEvent): CausationTree {
    const events = [...this.#events.values()].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
    const isRoot = (event: IndexedEvent): boolean => event.id === first.id || event.causationId === event.id || !this.has(event.causationId);
    const effects = Map.groupBy(
      events.filter((event) => !isRoot(event)),
      ({ causationId }) => causationId,
    );
    const nodes: CausationNode[] = [];
    const waiting: CausationNode[] = events
      .filter(isRoot)
      .map((event) => ({ event, depth: 0, parentId: undefined }))
      .reverse();
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      nodes.push(node);
      const { event, depth } = node;
      const below = (effects.get(event.id) ?? []).map((effect) => ({ event: effect, depth: depth + 1, parentId: event.id }));
      waiting.push(...below.reverse());
    }
    return { causeId: first.causationId === first.id ? undefined : first.causationId, nodes, truncated: this.#truncated };
  }
}
