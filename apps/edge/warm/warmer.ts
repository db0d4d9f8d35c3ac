import type { Fields } from '#core/http-cache';
import { warmFinished, type DraftOf, type EventOf, type warmRequested } from '#events';
import type { Position } from '#ports';
import { pause, type Lifecycle, type Logger } from '#runtime';
import type { EdgeCache } from '../cache/edge-cache.ts';
import type { Fill } from '../cache/fill.ts';
import type { EdgeSettings } from '../edge.config.ts';
import type { EdgeFacts } from '../facts/edge-facts.ts';
import { aheadRequest } from '../prefetch/ahead-request.ts';
import type { BytesOf } from '../server/exchange.ts';
import type { WarmBook } from './warm-book.ts';
import { readSitemap, sitemapBytesMax } from './sitemap.ts';
import { wholeReply } from './whole-reply.ts';

type Request = EventOf<typeof warmRequested>;
type Counts = Pick<DraftOf<typeof warmFinished>['data'], 'urls' | 'present' | 'fetched' | 'failed' | 'bytes'>;

export interface WarmerDeps {
  readonly cache: Pick<EdgeCache, 'store' | 'zones'>;
  readonly bytesOf: BytesOf;
  readonly report: (finished: DraftOf<typeof warmFinished>, cause: Request) => Promise<void>;
  /** Where it is written down what is under way. */
  readonly book?: Pick<WarmBook, 'begin' | 'end' | 'resumed'> | undefined;
  readonly logger: Pick<Logger, 'warn'>;
  readonly now: () => number;
  readonly onFatal: (error: unknown) => void;
  readonly stopping: AbortSignal;
}

export interface WarmerInit {
  readonly edgeId: string;
  readonly region: string;
}

/** What is older was meant for another hour: an edge that was away does not do it, ms. */
const lateMs = 600_000;
/** One that was under way when the edge ended is gone on with for longer. */
const resumeMs = 6 * 3_600_000;
const waitingMax = 200;
const atOnce = 16;
/** URLs of one warming, those of its sitemaps among them, and sitemaps that an index leads to. */
const urlsMax = 20_000;
const sitemapsMax = 50;
/** What most browsers take, in the spelling in which variants are told apart: of an origin that compresses by itself. */
const ofBrowsers: readonly string[] = ['br, gzip, zstd'];

/** As somebody would ask for it who takes these codings. */
function fieldsFor(codings: string, host?: string): Fields {
  const fields = [['accept', '*/*'] as const, ['accept-encoding', codings] as const];
  return host === undefined ? fields : [...fields, ['host', host]];
}

interface Place {
  readonly host: string | undefined;
  readonly target: string;
}

function placeOf(url: string): Place | undefined {
  if (url.startsWith('/')) return { host: undefined, target: url };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed === undefined ? undefined : { host: parsed.host, target: parsed.pathname + parsed.search };
}

/** Fetches what somebody asked this edge to have, one warming after the other, no faster than it may, and tells what came of it. */
export class Warmer {
  readonly #init: WarmerInit;
  readonly #deps: WarmerDeps;
  readonly #counts = new Map<string, Counts>();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(init: WarmerInit, deps: WarmerDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Goes on with what was under way when the edge ended: from the beginning, as most of it may be gone. */
  async resume(): Promise<void> {
    for (const { event, place } of (await this.#deps.book?.resumed()) ?? []) this.take(event, place, resumeMs);
  }

  /**
   * Takes a part of a warming, if it is this edge's to do.
   * @param place where it stands on the log
   */
  take(request: Request, place?: Position, notOlderThanMs = lateMs): void {
    const { edges, regions } = request.data;
    const chosen = (regions.length === 0 || regions.includes(this.#init.region)) && (edges.length === 0 || edges.includes(this.#init.edgeId));
    if (!chosen || this.#deps.now() - request.time > notOlderThanMs) return;
    if (this.#waiting >= waitingMax) {
      this.#deps.logger.warn({ warmId: request.data.warmId }, 'a warming is left out: too many wait');
      return;
    }
    if (place !== undefined && this.#deps.book?.begin(request.data.warmId, place) === false) return;
    this.#waiting++;
    this.#last = this.#last
      .then(() => this.#do(request))
      .catch(this.#deps.onFatal)
      .finally(() => this.#waiting--);
  }

  async #do(request: Request): Promise<void> {
    const { book, now, report, stopping } = this.#deps;
    const { part, parts, sitemaps, urls, warmId } = request.data;
    const counts = this.#counts.get(warmId) ?? { urls: 0, present: 0, fetched: 0, failed: 0, bytes: 0 };
    this.#counts.set(warmId, counts);
    await this.#warmAll(urls, request, counts);
    await this.#warmAll(await this.#fromSitemaps(sitemaps, counts), request, counts);
    if (part + 1 < parts || stopping.aborted) return;
    this.#counts.delete(warmId);
    const { edgeId, region } = this.#init;
    await report(warmFinished.draft({ warmId, edgeId, region, ...counts, finishedAtMs: now() }), request);
    book?.end(warmId);
  }

  async #warmAll(urls: readonly string[], { data: { dryRun, perSecond } }: Request, counts: Counts): Promise<void> {
    const { now, stopping } = this.#deps;
    const running = new Set<Promise<void>>();
    let dueMs = now();
    const due = async (): Promise<void> => {
      const atMs = Math.max(dueMs, now() - 1000);
      dueMs = atMs + 1000 / perSecond;
      if (atMs > now()) await pause(atMs - now(), stopping);
    };
    for (const url of urls.slice(0, Math.max(0, urlsMax - counts.urls))) {
      if (stopping.aborted) break;
      counts.urls++;
      if (this.#has(url, dryRun)) {
        counts.present++;
        continue;
      }
      // Of a dry run it is what would be fetched.
      if (dryRun) {
        counts.fetched++;
        continue;
      }
      await due();
      if (running.size >= atOnce) await Promise.race(running);
      const one = this.#warm(url, counts, due).finally(() => running.delete(one));
      running.add(one);
    }
    await Promise.all(running);
  }

  /** Whether all of it is here and fresh. @param below whether what is on the disk counts unread */
  #has(url: string, below: boolean): boolean {
    const place = placeOf(url);
    return place !== undefined && this.#codingsOf(place).every((codings) => this.#isHere(place, codings, below));
  }

  /** Nothing is used by looking. */
  #isHere(place: Place, codings: string, below: boolean): boolean {
    const { cache, now } = this.#deps;
    const key = this.#keyOf(place);
    const object = key === undefined ? undefined : cache.store.peek(key, aheadRequest('/', fieldsFor(codings)));
    if (object === undefined) return below && key !== undefined && cache.store.mayRecall(key);
    return now() < object.response.freshness.freshUntilMs;
  }

  #codingsOf({ host, target }: Place): readonly string[] {
    return this.#deps.cache.zones.siteOf(host).zone.codings?.(target) ?? ofBrowsers;
  }

  #keyOf({ host, target }: Place): string | undefined {
    const { keyPrefix, zone } = this.#deps.cache.zones.siteOf(host);
    const path = zone.keyOfUrl(target);
    return path === undefined ? undefined : keyPrefix + path;
  }

  /** Each variant that there is of it, one after the other: where the first turns out to be for everybody, the others are here. */
  async #warm(url: string, counts: Counts, due: () => Promise<void>): Promise<void> {
    const place = placeOf(url);
    let outcome: 'present' | 'fetched' | 'failed' = 'present';
    for (const [at, codings] of (place === undefined ? [] : this.#codingsOf(place)).entries()) {
      if (this.#deps.stopping.aborted || outcome === 'failed') break;
      if (at > 0 && !this.#isHere(place as Place, codings, false)) await due();
      const fill = await this.#fillOf(place as Place, codings);
      if (fill === 'present') continue;
      const stored = fill !== 'refused' && (await isStored(fill));
      outcome = stored ? 'fetched' : 'failed';
      if (stored) counts.bytes += fill.bytes;
    }
    counts[place === undefined ? 'failed' : outcome]++;
  }

  async #fillOf(place: Place, codings: string): Promise<Fill | 'present' | 'refused'> {
    const key = this.#keyOf(place);
    if (key === undefined) return 'refused';
    const { zone } = this.#deps.cache.zones.siteOf(place.host);
    return zone.handler.fetching.warm(key, aheadRequest(place.target, fieldsFor(codings, place.host)));
  }

  /** The URLs of sitemaps, and of those that they list. Each is fetched as everything else is, through the zone of its host. */
  async #fromSitemaps(sitemaps: readonly string[], counts: Counts): Promise<readonly string[]> {
    const urls = new Set<string>();
    const waiting = sitemaps.map((url) => ({ url, leads: true }));
    for (let seen = 0; seen < waiting.length && seen < sitemapsMax && urls.size < urlsMax && !this.#deps.stopping.aborted; seen++) {
      const { leads, url } = waiting[seen] as (typeof waiting)[number];
      try {
        const listed = await readSitemap(await this.#bytesOf(url), new URL(url).host);
        for (const one of listed.urls) urls.add(one);
        if (leads) waiting.push(...listed.sitemaps.map((one) => ({ url: one, leads: false })));
      } catch (err) {
        counts.failed++;
        this.#deps.logger.warn({ err, url }, 'a sitemap cannot be read');
      }
    }
    return [...urls];
  }

  async #bytesOf(url: string): Promise<Uint8Array> {
    const { host, target } = placeOf(url) as Place;
    const site = this.#deps.cache.zones.siteOf(host);
    const asked = [['accept-encoding', 'identity'], ...(host === undefined ? [] : [['host', host] as const])] as const;
    const reply = await site.zone.handler.handle(aheadRequest(target, asked), host, site.keyPrefix);
    return wholeReply(reply, sitemapBytesMax, this.#deps.bytesOf);
  }
}

/** Whether a fill brought what others get, too. */
async function isStored(fill: Fill): Promise<boolean> {
  const outcome = await fill.outcome;
  if (outcome.kind === 'private') outcome.claim()?.body?.cancel();
  await fill.done;
  if (fill.failure !== undefined) return false;
  if (outcome.kind === 'confirmed') return true;
  return outcome.kind === 'shared' && outcome.response.status === 200 && outcome.keeps && outcome.body.complete;
}

export interface WarmerParts extends Pick<WarmerDeps, 'cache' | 'book' | 'logger' | 'now' | 'onFatal' | 'bytesOf'> {
  readonly facts: Pick<EdgeFacts, 'publish'>;
  readonly lifecycle: Pick<Lifecycle, 'stopping'>;
}

/** The warmer of a running edge, which reports on the log. */
export function warmerOf({ edgeId, region }: EdgeSettings, { facts, lifecycle, ...parts }: WarmerParts): Warmer {
  return new Warmer(
    { edgeId, region },
    {
      ...parts,
      stopping: lifecycle.stopping,
      report: (finished, { correlationId, id: causationId, tenant }) => facts.publish('cache', [finished], tenant, [{ correlationId, causationId }]),
    },
  );
}
