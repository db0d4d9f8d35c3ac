/** Counters of one process of an edge. */
export interface EdgeCounters {
  readonly requests: bigint;
  readonly hits: bigint;
  readonly collapsed: bigint;
  readonly originFetches: bigint;
}

/** Share of requests that needed no fetch of their own: hits, and those that joined a fill under way. Null before any request. */
export function hitRatio(counters: readonly EdgeCounters[]): number | null {
  let requests = 0n;
  let served = 0n;
  for (const each of counters) {
    requests += each.requests;
    served += each.hits + each.collapsed;
  }
  // Counters are read while they grow; a ratio above one would be nonsense of that race.
  return requests === 0n ? null : Math.min(1, Number(served) / Number(requests));
}

/** Share of requests that the origin never saw. Null before any request. */
export function originOffload(counters: readonly EdgeCounters[]): number | null {
  let requests = 0n;
  let fetches = 0n;
  for (const each of counters) {
    requests += each.requests;
    fetches += each.originFetches;
  }
  return requests === 0n ? null : Math.max(0, 1 - Number(fetches) / Number(requests));
}
