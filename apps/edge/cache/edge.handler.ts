import {
  acceptsStale,
  cdnHops,
  cdnHopsMax,
  framingFault,
  isLoop,
  judgeReuse,
  matchesVariant,
  mayServeOnError,
  pathOfKey,
  parseCacheControl,
  rangeToAskFor,
  refusesInDoubt,
  satisfies,
  select,
  type CacheControl,
  type CacheOutcome,
  type Fields,
  type ForwardReason,
  type Trust,
} from '#core/http-cache';
import type { EdgeCounters } from '../edge-counters.ts';
import type { OriginError } from '../origin/origin-client.ts';
import { isSource, type EdgeReply, type EdgeRequest, type KeepBytes } from '../server/exchange.ts';
import { Answers, told, unknownPurges, type Waiting } from './answers.ts';
import type { CachedObject } from './cached-object.ts';
import { Fetching, type FetchingDeps, type FetchingInit } from './fetching.ts';
import { isTooOld, type Fill, type FillOutcome } from './fill.ts';
import type { PassThrough } from './pass-through.ts';
import { isSliced } from './slices.ts';
import { takesPart } from './takes-part.ts';

export interface CacheHandlerInit extends FetchingInit {
  readonly cacheName: string;
  /** The name under which this edge puts itself into Via. */
  readonly pseudonym: string;
  /** The normal form of a target, which is what follows the prefix in a key; undefined for what is none. */
  readonly normalise: (target: string) => string | undefined;
  /** Whether nothing that is stored is looked for, although it may be there; undefined for a zone where there is no such request. */
  readonly avoidsHits?: ((request: EdgeRequest) => boolean) | undefined;
  /** Up to this size a body is waited for whole, so that its failure is a clean error and not a broken connection, bytes. */
  readonly wholeBytesMax: number;
  /** And so long at most, ms. */
  readonly wholeWaitMs: number;
}

export interface CacheHandlerDeps extends FetchingDeps {
  readonly passThrough: PassThrough;
  readonly keep: KeepBytes;
  readonly counters: EdgeCounters;
  /** Told of what should never happen; the client gets a clean error. */
  readonly onError: (error: unknown) => void;
  /** Told what the origin is asked for because a request needs it. */
  readonly onMiss?: ((key: string, fields: Fields) => void) | undefined;
}

/** A request may see so many fills that turn out to be for another variant. */
const attemptsMax = 4;

/** Whether a fresh object is fresh enough for this request. Few requests say anything about it. */
function suffices(request: EdgeRequest, object: CachedObject, nowMs: number): boolean {
  const text = request.field('cache-control');
  if (text !== undefined && !satisfies(parseCacheControl(text), object.response.freshness, nowMs)) return false;
  // A WebSocket may have the path of a page.
  return request.field('upgrade') === undefined;
}

/** From a request to its answer. A hit is answered at once: no promise, no URL object, nothing rebuilt. */
export class CacheHandler {
  readonly #init: CacheHandlerInit;
  readonly #deps: CacheHandlerDeps;
  readonly #answers: Answers;
  /** What begins fills, also for what nobody has asked for yet. */
  readonly fetching: Fetching;
  #lastHost: string | undefined;

  constructor(init: CacheHandlerInit, deps: CacheHandlerDeps) {
    this.#init = init;
    this.#deps = deps;
    this.fetching = new Fetching(init, deps);
    this.#answers = new Answers(init, {
      ...deps,
      restart: (request, key) => this.#miss(request, key, parseCacheControl(request.field('cache-control'))),
    });
  }

  /**
   * @param host what the request has in Host, read once for all who want it
   * @param keyPrefix of the keys of this zone and host; empty for the media of the platform
   */
  handle(request: EdgeRequest, host: string | undefined, keyPrefix: string): EdgeReply | Promise<EdgeReply> {
    const fault = this.#faultOf(request, host);
    if (fault !== undefined) return this.#refused(request, 400, fault);
    const elsewhere = this.#init.redirect?.(request);
    if (elsewhere !== undefined) return this.#redirected(elsewhere);
    const { target } = request;
    if (this.#init.avoidsHits?.(request) === true) return this.#otherwise(request, this.#keyOf(target, keyPrefix));
    const reads = request.method === 'GET' || request.method === 'HEAD';
    // Every key ends in a normal target: what is a key as it stands need not be looked at.
    const raw = keyPrefix === '' ? target : keyPrefix + target;
    const found = reads ? this.#deps.store.find(raw, request) : undefined;
    const key = found === undefined ? this.#keyOf(target, keyPrefix) : raw;
    const object = found ?? (reads && key !== undefined ? this.#findBelow(key, raw, request) : undefined);
    if (object !== undefined) {
      const nowMs = this.#deps.now();
      const trust = this.#deps.trust();
      if (judgeReuse(object.response.freshness, nowMs, trust) === 'fresh' && suffices(request, object, nowMs)) return this.#hit(object, request, nowMs, trust);
    }
    return this.#otherwise(request, key);
  }

  /** What lies under the normal form of a key, or on the disk where the system has it in memory. */
  #findBelow(key: string, raw: string, request: EdgeRequest): CachedObject | undefined {
    const { store } = this.#deps;
    return (key === raw ? undefined : store.find(key, request)) ?? store.recallNow(key, request);
  }

  #redirected(reply: EdgeReply): EdgeReply {
    this.#deps.counters.requests++;
    return reply;
  }

  #keyOf(target: string, keyPrefix: string): string | undefined {
    const path = this.#init.normalise(target);
    return path === undefined || keyPrefix === '' ? path : keyPrefix + path;
  }

  /** Most requests name the host that the last one named, and bring nothing that would have to be framed. */
  #faultOf(request: EdgeRequest, host: string | undefined): string | undefined {
    if (host !== undefined && host === this.#lastHost && !request.hasBody && request.version === '1.1') return undefined;
    const fault = framingFault(request);
    if (fault === undefined) this.#lastHost = host;
    return fault;
  }

  /** The connection ends with it: what comes next on it may be the rest of this request, or not. */
  #refused(request: EdgeRequest, status: number, detail: string): EdgeReply {
    this.#deps.counters.requests++;
    return this.#answers.problem(request, { status, detail, outcome: { forwarded: 'bypass' }, error: 'http_request_error' }, [['connection', 'close']]);
  }

  #hit(object: CachedObject, request: EdgeRequest, nowMs: number, trust: Trust): EdgeReply | Promise<EdgeReply> {
    const { counters } = this.#deps;
    counters.requests++;
    if (isSliced(object)) return this.#answers.fromSlices(request, object, nowMs, told(object, nowMs, trust), false);
    counters.hits++;
    if (!trust.purgesKnown) return this.#answers.fromObject(request, object, nowMs, told(object, nowMs, trust));
    const selection = select(request, object.response, object.body.size, nowMs);
    if (selection.kind === 'whole') {
      counters.bytesServed += object.body.size;
      return object.hit(nowMs, this.#init.cacheName);
    }
    return this.#answers.selected(object, selection, nowMs, {});
  }

  async #otherwise(request: EdgeRequest, key: string | undefined): Promise<EdgeReply> {
    const { counters, local } = this.#deps;
    if (key === undefined) {
      const status = request.target.length > 1000 ? 414 : 400;
      return this.#refused(request, status, 'The request target is not an absolute path of a reasonable length.');
    }
    const path = pathOfKey(key);
    const own = local(request, path);
    if (own !== undefined) return own;
    counters.requests++;
    if (isLoop(request.field('via'), this.#init.pseudonym) || cdnHops(request.field('cdn-loop')) >= cdnHopsMax) {
      const detail = 'The request has come through this edge already.';
      return this.#answers.problem(request, { status: 508, detail, outcome: { forwarded: 'bypass' }, error: 'proxy_loop_detected' });
    }
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') return await this.#pass(request, key, 'method');
      const bypass = this.#init.bypasses(path, request) || request.hasBody;
      // RFC 9111 section 5.2.1.5: nothing of a request with no-store, or of its response, is stored.
      const control = parseCacheControl(request.field('cache-control'));
      if ((bypass || control.noStore) && !control.onlyIfCached) return await this.#pass(request, key, 'bypass');
      return await this.#miss(request, key, control);
    } catch (error) {
      this.#deps.onError(error);
      return this.#answers.problem(request, {
        status: 500,
        detail: 'The edge failed to answer.',
        outcome: { forwarded: 'miss' },
        error: 'proxy_internal_error',
      });
    }
  }

  async #pass(request: EdgeRequest, key: string, forwarded: ForwardReason): Promise<EdgeReply> {
    if (request.method === 'CONNECT' || request.method === 'TRACE')
      return this.#answers.problem(request, {
        status: 501,
        detail: `The edge does not forward ${request.method}.`,
        outcome: { forwarded: 'method' },
        error: 'http_request_error',
      });
    if (forwarded !== 'method') this.#deps.counters.misses++;
    return this.#deps.passThrough.forward(request, key, { forwarded });
  }

  /** Nothing fresh is stored: waits for the fill of another request, or begins one. */
  async #miss(request: EdgeRequest, key: string, control: CacheControl): Promise<EdgeReply> {
    const { counters, fills, now, store, trust } = this.#deps;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const trusted = trust();
      const object = store.find(key, request) ?? (store.mayRecall(key) ? await store.recall(key, request) : undefined);
      const nowMs = now();
      const reuse = object === undefined ? undefined : judgeReuse(object.response.freshness, nowMs, trusted);
      const wanted = object !== undefined && satisfies(control, object.response.freshness, nowMs);
      if (object !== undefined && wanted && reuse === 'fresh') return this.#hit(object, request, nowMs, trusted);
      if (refusesInDoubt(trusted)) return this.#unsure(request);
      if (object !== undefined && acceptsStale(control, object.response.freshness, nowMs, trusted)) return this.#hit(object, request, nowMs, trusted);
      if (object !== undefined && wanted && this.#mayServeWithoutWaiting(object, reuse, nowMs)) {
        if (nowMs >= object.retryAtMs && fills.find({ key, request }) === undefined) this.fetching.start(request, key, object);
        counters.hits++;
        return await this.#answers.fromObject(request, object, nowMs, told(object, nowMs, trusted));
      }
      // RFC 9111 section 5.2.1.7.
      if (control.onlyIfCached) return this.#answers.problem(request, { status: 504, detail: 'Not in the cache.', outcome: {} });
      const parts = object === undefined ? store.parts.find(key, request) : undefined;
      const range = object === undefined && takesPart(request) ? rangeToAskFor(request.field('range')) : undefined;
      const stored = parts === undefined || range === undefined ? undefined : this.#answers.fromParts(parts, request, range, control, nowMs);
      if (stored !== undefined) return stored;
      if (fills.full || (object === undefined && fills.isUnshared({ key, request }))) return this.#pass(request, key, 'bypass');
      const joined = fills.find({ key, request }) ?? (range === undefined ? undefined : fills.find({ key, request, range }));
      const failure = joined === undefined ? fills.recentFailure(key) : undefined;
      if (failure !== undefined) return await this.#failedLately(request, failure, object);
      // A HEAD does not bring the body that would be stored; what it says about a stored one is taken (RFC 9111 section 4.3.5).
      const missing = store.has(key) ? 'vary-miss' : 'uri-miss';
      const forwarded = object === undefined ? missing : wanted ? 'stale' : 'request';
      if (joined === undefined && request.method === 'HEAD') return this.#pass(request, key, forwarded);
      const waiting: Waiting = { forwarded, collapsed: joined !== undefined };
      const { generation } = fills;
      const fill = joined ?? this.fetching.start(request, key, object, range, parts);
      this.#demand(fill, request);
      const outcome = await this.#answers.ready(fill);
      if (joined !== undefined && (fill.isVain || fills.isOvertaken(fill, generation))) continue;
      if (outcome.kind === 'sliced' && !matchesVariant(outcome.object.response.variant, request)) continue;
      if (outcome.kind === 'part' && !matchesVariant(outcome.parts.response.variant, request)) continue;
      if (outcome.kind === 'shared' && !(this.#answers.fits(outcome.response.variant, request) && outcome.body.joinable)) continue;
      if (joined !== undefined && isTooOld(outcome, control, now())) continue;
      counters.misses++;
      if (joined !== undefined) counters.collapsed++;
      return this.#fromOutcome(request, key, outcome, waiting);
    }
    return this.#pass(request, key, 'miss');
  }

  /** Whose it is would rather have nobody served than by what may have been purged. */
  #unsure(request: EdgeRequest): EdgeReply {
    const detail = 'This edge is out of touch with the purges for the moment, and is to answer nothing that may have been purged.';
    return this.#answers.problem(request, { status: 503, detail, outcome: { forwarded: 'bypass', detail: unknownPurges } }, [['retry-after', '5']]);
  }

  /** RFC 5861 section 3; and after a failure the stale object stands in until the next try is due. */
  #mayServeWithoutWaiting(object: CachedObject, reuse: string | undefined, nowMs: number): boolean {
    if (reuse === 'stale-while-revalidate') return true;
    return nowMs < object.retryAtMs && mayServeOnError(object.response.freshness, nowMs, this.#deps.trust());
  }

  /** What is stored stands in for it as it did for those who saw it happen (RFC 5861 section 4). */
  #failedLately(request: EdgeRequest, failure: OriginError, object: CachedObject | undefined): EdgeReply | Promise<EdgeReply> {
    const nowMs = this.#deps.now();
    const trust = this.#deps.trust();
    if (object === undefined || !mayServeOnError(object.response.freshness, nowMs, trust)) return this.#answers.failed(request, failure, { forwarded: 'miss' });
    this.#deps.counters.hits++;
    return this.#answers.fromObject(request, object, nowMs, told(object, nowMs, trust));
  }

  /** Told once for each fill, of the first who waits for it. */
  #demand(fill: Fill, request: EdgeRequest): void {
    if (fill.isDemanded) return;
    fill.demand();
    this.#deps.onMiss?.(fill.key, request.fields());
  }

  /** At once where it can be: a promise more for each of those who wait would be a round more before the first of them is answered. */
  #fromOutcome(request: EdgeRequest, key: string, outcome: FillOutcome, waiting: Waiting): EdgeReply | Promise<EdgeReply> {
    const { now } = this.#deps;
    switch (outcome.kind) {
      case 'shared':
        return this.#answers.fromFill(request, outcome, waiting);
      case 'sliced':
        return this.#answers.fromObject(request, outcome.object, now(), { ...waiting, stored: true, forwardStatus: outcome.object.response.status });
      case 'confirmed': {
        const nowMs = now();
        return this.#answers.fromObject(request, outcome.object, nowMs, {
          ...waiting,
          forwardStatus: 304,
        });
      }
      case 'stale': {
        const nowMs = now();
        const status: CacheOutcome = outcome.originStatus === undefined ? waiting : { ...waiting, forwardStatus: outcome.originStatus };
        return this.#answers.fromObject(request, outcome.object, nowMs, {
          ...status,
          detail: 'origin-failed',
        });
      }
      case 'part': {
        const nowMs = now();
        const reply = this.#answers.partReply(outcome.parts, request.field('range') ?? '', nowMs, { ...waiting, forwardStatus: 206, stored: true });
        // The origin's choice was another than the client's.
        return reply ?? this.#deps.passThrough.forward(request, key, { forwarded: waiting.forwarded ?? 'miss', detail: 'partial' });
      }
      case 'failed':
        return this.#answers.failed(request, outcome.error, waiting);
      case 'private':
        return this.#fromPrivate(request, key, outcome, waiting);
    }
  }

  /** The first whose request is exactly the fill's takes its response over; every other asks for itself. */
  async #fromPrivate(request: EdgeRequest, key: string, outcome: FillOutcome & { kind: 'private' }, waiting: Waiting): Promise<EdgeReply> {
    // A range that was asked for as it stands is the client's own; another was left out of the fill.
    const asked = request.field('range') === undefined || rangeToAskFor(request.field('range')) !== undefined;
    const plain = request.method === 'GET' && asked && takesPart(request);
    const response = plain && waiting.collapsed !== true ? outcome.claim() : undefined;
    if (response === undefined) return this.#deps.passThrough.forward(request, key, { forwarded: waiting.forwarded ?? 'miss', detail: outcome.reason });
    const reply = this.#deps.passThrough.relay(request, response, { ...waiting, forwardStatus: outcome.originStatus, detail: outcome.reason });
    if (isSource(reply.body)) request.gone.addEventListener('abort', () => response.body?.cancel(), { once: true });
    return reply;
  }
}
