import type { Fields } from '#core/http-cache';
import { warmFinished, type DraftOf, type EventOf, type warmRequested } from '#events';
import type { Position } from '#ports';
import { pause, type Lifecycle, type Logger } from '#runtime';
import type { EdgeCache } from '../cache/edge-cache.ts';
import type { Fetching } from '../cache/fetching.ts';
import { CachedObject } from '../cache/cached-object.ts';
import { isSliced, type SlicedHead } from '../cache/slices.ts';
import type { EdgeSettings } from '../edge.config.ts';
import type { EdgeFacts } from '../facts/edge-facts.ts';
import { aheadRequest } from '../prefetch/ahead-request.ts';
import type { BytesOf } from '../server/exchange.ts';
import type { WarmBook } from './warm-book.ts';
import { locationsMax, readSitemap, sitemapBytesMax, type Sitemap } from './sitemap.ts';
import { faultOf, faultOfRefusal, faultOfStored } from './warm-fault.ts';
import { hasSlices, warmSlices } from './warm-slices.ts';
import { WarmTally, type WarmFault } from './warm-tally.ts';
import { ReplyStatusError, wholeReply } from './whole-reply.ts';

type Request = EventOf<typeof warmRequested>;

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
/** Of what this edge can keep, what one object in slices may take of it: it would drive out what is asked for. */
const objectShareMax = 0.5;
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
  readonly #tallies = new Map<string, WarmTally>();
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
    if (this.#waiting >= waitingMax) return this.#leaveOut(request);
    if (place !== undefined && this.#deps.book?.begin(request.data.warmId, place) === false) return;
    this.#waiting++;
    this.#last = this.#last
      .then(() => this.#do(request))
      .catch(this.#deps.onFatal)
      .finally(() => this.#waiting--);
  }

  /** Who asked for it is told, too. */
  #leaveOut(request: Request): void {
    const { part, parts, sitemaps, urls, warmId } = request.data;
    this.#deps.logger.warn({ warmId }, 'a warming is left out: too many wait');
    if (part + 1 < parts) return;
    const tally = new WarmTally();
    for (const url of [...sitemaps, ...urls]) tally.fail(url, { status: null, reason: 'Too many warmings wait at this edge: this one is left out.' });
    void this.#report(request, tally).catch(this.#deps.onFatal);
  }

  async #do(request: Request): Promise<void> {
    const { book, stopping } = this.#deps;
    const { part, parts, sitemaps, urls, warmId } = request.data;
    const tally = this.#tallies.get(warmId) ?? new WarmTally();
    this.#tallies.set(warmId, tally);
    await this.#warmAll(urls, request, tally);
    await this.#warmAll(await this.#fromSitemaps(sitemaps, tally), request, tally);
    if (part + 1 < parts || stopping.aborted) return;
    this.#tallies.delete(warmId);
    await this.#report(request, tally);
    book?.end(warmId);
  }

  async #report(request: Request, tally: WarmTally): Promise<void> {
    const { edgeId, region } = this.#init;
    const { now, report } = this.#deps;
    await report(warmFinished.draft({ warmId: request.data.warmId, edgeId, region, ...tally.told(), finishedAtMs: now() }), request);
  }

  async #warmAll(urls: readonly string[], { data: { dryRun, perSecond } }: Request, tally: WarmTally): Promise<void> {
    const { now, stopping } = this.#deps;
    const running = new Set<Promise<void>>();
    let dueMs = now();
    const due = async (): Promise<void> => {
      const atMs = Math.max(dueMs, now() - 1000);
      dueMs = atMs + 1000 / perSecond;
      if (atMs > now()) await pause(atMs - now(), stopping);
    };
    const taken = urls.slice(0, Math.max(0, urlsMax - tally.urls));
    const leftOut = { status: null, reason: `A warming fetches ${urlsMax} URLs at most: it is left out.` };
    for (const url of urls.slice(taken.length)) tally.fail(url, leftOut);
    for (const url of taken) {
      if (stopping.aborted) break;
      tally.urls++;
      if (this.#has(url, dryRun)) {
        tally.present++;
        continue;
      }
      // Of a dry run it is what would be fetched.
      if (dryRun) {
        tally.fetched++;
        continue;
      }
      await due();
      if (running.size >= atOnce) await Promise.race(running);
      const one = this.#warm(url, tally, due).finally(() => running.delete(one));
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
    if (now() >= object.response.freshness.freshUntilMs || faultOfStored(object.response.status) !== undefined) return false;
    return !isSliced(object) || hasSlices(this.#fetchingOf(place).slices, object);
  }

  #codingsOf({ host, target }: Place): readonly string[] {
    return this.#deps.cache.zones.siteOf(host).zone.codings?.(target) ?? ofBrowsers;
  }

  #keyOf({ host, target }: Place): string | undefined {
    const { keyPrefix, zone } = this.#deps.cache.zones.siteOf(host);
    const path = zone.keyOfUrl(target);
    return path === undefined ? undefined : keyPrefix + path;
  }

  #fetchingOf({ host }: Place): Fetching {
    return this.#deps.cache.zones.siteOf(host).zone.handler.fetching;
  }

  /** Each variant that there is of it, one after the other: where the first turns out to be for everybody, the others are here. */
  async #warm(url: string, tally: WarmTally, due: () => Promise<void>): Promise<void> {
    const place = placeOf(url);
    if (place === undefined) return tally.fail(url, { status: null, reason: 'It is no URL.' });
    let [bytes, present] = [0, true];
    for (const [at, codings] of this.#codingsOf(place).entries()) {
      if (this.#deps.stopping.aborted) break;
      if (at > 0 && !this.#isHere(place, codings, false)) await due();
      const came = await this.#bring(place, codings, due);
      if (came === 'present') continue;
      if ('reason' in came) return tally.fail(url, came);
      present = false;
      bytes += came.bytes;
    }
    tally[present ? 'present' : 'fetched']++;
    tally.bytes += bytes;
  }

  async #bring(place: Place, codings: string, due: () => Promise<void>): Promise<'present' | { readonly bytes: number } | WarmFault> {
    const key = this.#keyOf(place);
    if (key === undefined) return { status: null, reason: 'It is no path that is cached.' };
    const fetching = this.#fetchingOf(place);
    const fields = fieldsFor(codings, place.host);
    const fill = await fetching.warm(key, aheadRequest(place.target, fields));
    if (typeof fill === 'string') return faultOfRefusal(fill);
    if (fill instanceof CachedObject && !isSliced(fill)) return faultOfStored(fill.response.status) ?? 'present';
    const fault = fill instanceof CachedObject ? undefined : await faultOf(fill);
    if (fault !== undefined) return fault;
    const head =
      fill instanceof CachedObject
        ? fill
        : fill.settled?.kind === 'sliced'
          ? fill.settled.object
          : fill.settled?.kind === 'confirmed'
            ? fill.settled.object
            : undefined;
    if (head !== undefined && isSliced(head)) return this.#bringSlices(place, head, fields, due);
    return { bytes: fill instanceof CachedObject ? 0 : fill.bytes };
  }

  async #bringSlices(place: Place, head: SlicedHead, fields: Fields, due: () => Promise<void>): Promise<'present' | { readonly bytes: number } | WarmFault> {
    const { cache, stopping } = this.#deps;
    const bytesMax = Math.floor(cache.store.capacity * objectShareMax);
    const { bytes, fault } = await warmSlices({ slices: this.#fetchingOf(place).slices, head, fields, bytesMax, due, stopping });
    return fault ?? (bytes === 0 ? 'present' : { bytes });
  }

  /** The URLs of sitemaps, and of those that they list. Each is fetched as everything else is, through the zone of its host. */
  async #fromSitemaps(sitemaps: readonly string[], tally: WarmTally): Promise<readonly string[]> {
    const urls = new Set<string>();
    const waiting = sitemaps.map((url) => ({ url, leads: true }));
    for (let seen = 0; seen < waiting.length && seen < sitemapsMax && urls.size < urlsMax && !this.#deps.stopping.aborted; seen++) {
      const { leads, url } = waiting[seen] as (typeof waiting)[number];
      try {
        const listed = await readSitemap(await this.#bytesOf(url), new URL(url).host);
        for (const fault of faultsOf(listed, url)) tally.fail(url, fault);
        for (const one of listed.urls) urls.add(one);
        if (leads) waiting.push(...listed.sitemaps.map((one) => ({ url: one, leads: false })));
      } catch (err) {
        const status = err instanceof ReplyStatusError ? err.status : null;
        tally.fail(url, { status, reason: `The sitemap cannot be read: ${err instanceof Error ? err.message : String(err)}` });
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

/** What of a sitemap is not warmed. */
function faultsOf({ firstOther, more, others, sitemaps, urls }: Sitemap, url: string): readonly WarmFault[] {
  const reasons = [
    ...(others === 0 ? [] : [`The sitemap lists ${others} URLs that are not of ${new URL(url).host}, and are left out: ${firstOther}`]),
    ...(more ? [`The sitemap lists more than ${locationsMax} URLs: the rest is left out.`] : []),
    ...(urls.length + sitemaps.length + others === 0 ? ['The sitemap lists no URL, if it is one.'] : []),
  ];
  return reasons.map((reason) => ({ status: null, reason }));
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
