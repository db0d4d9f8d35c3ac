/** Counters of one process of an edge. */
export interface EdgeCounters {
  readonly requests: number;
  readonly hits: number;
  readonly collapsed: number;
  readonly originFetches: number;
}

/** Share of requests that needed no fetch of their own: hits, and those that joined a fill under way. Null before any request. */
export function hitRatio(counters: readonly EdgeCounters[]): number | null {
  let requests = 0;
  let served = 0;
  for (const each of counters) {
    requests += each.requests;
    served += each.hits + each.collapsed;
  }
  // Counters are read while they grow; a ratio above one would be nonsense of that race.
  return requests === 0 ? null : Math.min(1, served / requests);
}

/** Share of requests that the origin never saw. Null before any request. */
export function originOffload(counters: readonly EdgeCounters[]): number | null {
  let requests = 0;
  let fetches = 0;
  for (const each of counters) {
    requests += each.requests;
    fetches += each.originFetches;
  }
  return requests === 0 ? null : Math.max(0, 1 - fetches / requests);
}
