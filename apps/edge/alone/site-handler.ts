import { patternProblem } from '#adapters/re2';
import { createHash, timingSafeEqual } from 'node:crypto';
import { replyHead, type EdgeHandler, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { hostNameOf } from '../zones/zone-table.ts';
import { problem } from '../cache/problem.ts';
import type { SiteEpoch } from '../shared-tier/site-epoch.ts';
import { namedBy, type Named } from '../purge/named-by-purge.ts';
import type { PurgeOrder, Purger } from '../purge/purger.ts';

export interface SiteHandlerInit {
  /** Names that are answered to, in lower case, `*.` for all below; all when empty. */
  readonly hosts: readonly string[];
  readonly purgeKey: string;
  /** Whether an address needs no key for PURGE; undefined where each does. */
  readonly isPurger?: ((address: string) => boolean) | undefined;
  readonly cacheName: string;
  readonly purger: Purger;
  /** Resolves when what was purged stays so after a crash. */
  readonly flush: () => Promise<void>;
  /** What other edges of this site kept before is not to be found any more either. */
  readonly shared?: Pick<SiteEpoch, 'purged'> | undefined;
}

/** How long `PURGE` waits for the tier that edges of the site share, ms. */
const sharedWaitMs = 2000;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function answersTo(hosts: readonly string[]): (host: string | undefined) => boolean {
  if (hosts.length === 0) return () => true;
  const names = new Set(hosts);
  const seen = new Map<string, boolean>();
  return (host) => {
    if (host === undefined) return false;
    const known = seen.get(host);
    if (known !== undefined) return known;
    const name = hostNameOf(host);
    const fits = names.has(name) || hosts.some((one) => one.startsWith('*.') && name.endsWith(one.slice(1)) && name.length > one.length - 1);
    if (seen.size < 1000) seen.set(host, fits);
    return fits;
  };
}

async function inTime(work: Promise<void>): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => over.resolve(false), sharedWaitMs);
  try {
    return await Promise.race([work.then(() => true), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function orderOf(named: Named): PurgeOrder {
  const { soft } = named;
  if ('tags' in named) return { urls: [], selectors: named.tags.map((value) => ({ kind: 'tag', value })), soft };
  if ('everything' in named) return { urls: [], selectors: [{ kind: 'prefix', value: '/' }], soft };
  if ('pattern' in named) return { urls: [], selectors: [{ kind: 'regex', value: named.pattern }], soft };
  return 'begin' in named ? { urls: [], selectors: [{ kind: 'prefix', value: named.begin }], soft } : { urls: [named.target], soft };
}

/** The site's names, and before the cache `PURGE` and `BAN` with its key or from its purgers: what edges of a platform take, at once. */
export function siteHandler({ cacheName, flush, hosts, isPurger, purger, purgeKey, shared }: SiteHandlerInit, cache: EdgeHandler): EdgeHandler {
  const isOurs = answersTo(hosts);
  const expected = digest(`Bearer ${purgeKey}`);
  const refuse = ({ target }: EdgeRequest, status: number, detail: string): EdgeReply => problem({ status, detail, target, cacheName, outcome: undefined });
  const stranger = (request: EdgeRequest): EdgeReply | undefined => {
    const given = request.field('authorization');
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return undefined;
    if (isPurger?.(request.clientAddress) === true) return undefined;
    if (given === undefined && isPurger !== undefined)
      return refuse(request, 403, `${request.method} without a key is not taken from ${request.clientAddress}: it is none of the purgers of this site.`);
    return refuse(request, 401, `${request.method} needs the key of this edge: authorization: Bearer KEY.`);
  };
  const purged = async (request: EdgeRequest): Promise<EdgeReply> => {
    const refused = stranger(request);
    if (refused !== undefined) return refused;
    const named = namedBy(request);
    if ('status' in named) return refuse(request, named.status, named.detail);
    const problem = 'pattern' in named ? patternProblem(named.pattern) : undefined;
    if (problem !== undefined) return refuse(request, 400, `The pattern is none: ${problem}`);
    const { objects } = purger.apply(orderOf(named));
    const what = 'tags' in named ? named.tags.join(' ') : request.target;
    const done = 'target' in named ? { purged: what, objects } : { purged: what };
    const told = shared === undefined ? true : inTime(shared.purged());
    await flush();
    if (!(await told))
      return refuse(request, 503, 'It is forgotten here. The shared tier does not answer: this edge does not use it until it does, but others may. Ask again.');
    return {
      head: replyHead(200, [
        ['content-type', 'application/json'],
        ['cache-control', 'no-store'],
      ]),
      body: new TextEncoder().encode(`${JSON.stringify(done)}\n`),
    };
  };
  return (request) => {
    if (request.method === 'PURGE' || request.method === 'BAN') return purged(request);
    if (!isOurs(request.field('host'))) return refuse(request, 421, 'This edge does not answer for this host.');
    return cache(request);
  };
}
