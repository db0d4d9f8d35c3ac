import { cacheOutcomes, statusClasses, type CacheOutcomeName } from '#events';
import type { HeadLog, ReplyHead } from '../server/exchange.ts';

const place = Object.fromEntries(cacheOutcomes.map((name, at) => [name, at])) as Record<CacheOutcomeName, number>;

/** The member that this edge appended to Cache-Status, and whether it said in Proxy-Status what went wrong. */
function outcomeOf({ fields, status }: ReplyHead): CacheOutcomeName {
  let own: string | undefined;
  let failed = false;
  for (const [name, value] of fields) {
    if (name === 'cache-status') own = value.slice(value.lastIndexOf(',') + 1);
    else if (name === 'proxy-status' && value.includes('; error=')) failed = true;
  }
  if (own === undefined) return status >= 400 ? 'error' : 'pass';
  // What is served from the cache has seconds left, or had; what the edge refuses has none.
  if (own.includes('; hit') && !(failed && !own.includes('; ttl='))) return own.includes('; ttl=-') ? 'stale' : 'hit';
  if (own.includes('; detail=origin-failed')) return 'stale';
  // What the origin answered went on as it came: its own errors are not the edge's.
  if (failed && !own.includes('; fwd-status=')) return 'error';
  if (own.includes('; collapsed')) return 'hit';
  if (own.includes('fwd=bypass') || own.includes('fwd=method')) return 'pass';
  return own.includes('fwd-status=304') ? 'revalidated' : 'miss';
}

function contentTypeOf({ fields }: ReplyHead): string {
  const value = fields.find(([name]) => name === 'content-type')?.[1] ?? '';
  const end = value.indexOf(';');
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase();
}

/**
 * What the log says about an answer by its head alone; made once per head. `hit` is
 * what needed no fetch of its own: what lay in the cache, and what joined a fill that another request had begun.
 */
export function headLogOf(head: ReplyHead): HeadLog {
  head.log ??= {
    outcome: place[outcomeOf(head)],
    statusClass: Math.min(Math.max(Math.floor(head.status / 100), 1), statusClasses.length) - 1,
    contentType: contentTypeOf(head),
  };
  return head.log;
}

/** Whose bytes the origin did not have to send. */
export function isCached(outcome: number): boolean {
  return outcome === place.hit || outcome === place.stale || outcome === place.revalidated;
}
