/** Names one write: the `n`-th of its origin, counted from 1. */
export interface Dot {
  readonly origin: string;
  readonly n: number;
}

/**
 * Which writes were seen: of each origin all up to a number, and some beyond it that came early. A context that only grew
 * by whole states is a version vector; deltas out of order make the cloud, and filling the gaps dissolves it again.
 */
export interface CausalContext {
  readonly upTo: ReadonlyMap<string, number>;
  readonly beyond: ReadonlyMap<string, ReadonlySet<number>>;
}

export const nothingSeen: CausalContext = { upTo: new Map(), beyond: new Map() };

export function hasSeen({ upTo, beyond }: CausalContext, { origin, n }: Dot): boolean {
  return n <= (upTo.get(origin) ?? 0) || beyond.get(origin)?.has(n) === true;
}

/** The dot that an origin writes next, as far as the context knows. */
export function nextDot({ upTo, beyond }: CausalContext, origin: string): Dot {
  return { origin, n: Math.max(upTo.get(origin) ?? 0, ...(beyond.get(origin) ?? [])) + 1 };
}

export function contextOf(dots: Iterable<Dot>): CausalContext {
  const beyond = new Map<string, Set<number>>();
  for (const { origin, n } of dots) beyond.set(origin, (beyond.get(origin) ?? new Set()).add(n));
  return compacted(new Map(), beyond);
}

export function joinContexts(a: CausalContext, b: CausalContext): CausalContext {
  const upTo = new Map(a.upTo);
  for (const [origin, n] of b.upTo) upTo.set(origin, Math.max(n, upTo.get(origin) ?? 0));
  const beyond = new Map([...a.beyond].map(([origin, some]) => [origin, new Set(some)]));
  for (const [origin, some] of b.beyond) beyond.set(origin, new Set([...(beyond.get(origin) ?? []), ...some]));
  return compacted(upTo, beyond);
}

/** Moves what follows without a gap into the vector, so that equal knowledge looks equal. */
function compacted(upTo: Map<string, number>, beyond: Map<string, Set<number>>): CausalContext {
  for (const [origin, some] of beyond) {
    let end = upTo.get(origin) ?? 0;
    while (some.has(end + 1)) end++;
    for (const n of [...some]) if (n <= end) some.delete(n);
    if (end > 0) upTo.set(origin, end);
    if (some.size === 0) beyond.delete(origin);
  }
  return { upTo, beyond };
}
