/** What an edge has done since it started. Counters only grow. */
export class EdgeCounters {
  requests = 0;
  hits = 0;
  misses = 0;
  collapsed = 0;
  originFetches = 0;
  originErrors = 0;
  bytesServed = 0;
  bytesFromOrigin = 0;

  snapshot(): Omit<EdgeCounters, 'snapshot'> {
    const { requests, hits, misses, collapsed, originFetches, originErrors, bytesServed, bytesFromOrigin } = this;
    return { requests, hits, misses, collapsed, originFetches, originErrors, bytesServed, bytesFromOrigin };
  }
}
