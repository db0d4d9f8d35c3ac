import {
  ageSeconds,
  chooseRange,
  isDoubtful,
  judgeReuse,
  matchesVariant,
  satisfies,
  select,
  selectedHead,
  ttlSeconds,
  withCacheStatus,
  type CacheControl,
  type CacheOutcome,
  type Field,
  type GrowingBody,
  type ProxyError,
  type Selection,
  type StoredResponse,
  type Trust,
  type Variant,
} from '#core/http-cache';
import type { EdgeCounters } from '../edge-counters.ts';
import type { OriginError } from '../origin/origin-client.ts';
import { replyHead, type EdgeReply, type EdgeRequest, type KeepBytes, type ReplyHead } from '../server/exchange.ts';
import { atMost, readerOf, wholeOf } from './body-reader.ts';
import type { CachedObject } from './cached-object.ts';
import type { Fill, FillOutcome } from './fill.ts';
import type { StoredParts } from './part-store.ts';
import { problem } from './problem.ts';
import { slicedReply } from './sliced-reply.ts';
import { isSliced, type SlicedHead, type Slices } from './slices.ts';
import { Turnstile } from './turnstile.ts';

export interface AnswersInit {
  readonly cacheName: string;
  /** Up to this size a body is waited for whole, so that its failure is a clean error and not a broken connection, bytes. */
  readonly wholeBytesMax: number;
  /** And so long at most: then it is answered with what there is, and goes on as it comes, ms. */
  readonly wholeWaitMs: number;
}

export interface AnswersDeps {
  readonly counters: EdgeCounters;
  readonly keep: KeepBytes;
  readonly slices: Slices;
  readonly now: () => number;
  readonly trust: () => Trust;
  /** Answers a request anew, when the slices it was answered from turned out to be of another version. */
  readonly restart: (request: EdgeRequest, key: string) => Promise<EdgeReply>;
}

/** How a request came to wait for the origin. */
export type Waiting = Pick<CacheOutcome, 'forwarded' | 'collapsed'>;

function waitingKey({ forwarded, collapsed }: Waiting): string {
  return `${forwarded} ${collapsed}`;
}

/** Spellings of one field that are remembered for one response. */
const spellingsMax = 64;

/** What Cache-Status says of an answer that may have been purged. */
export const unknownPurges = 'purges-unknown';

export function told({ response }: Pick<CachedObject, 'response'>, nowMs: number, trust: Trust): CacheOutcome {
  return isDoubtful(response.freshness, nowMs, trust) ? { detail: unknownPurges } : {};
}

/** What Cache-Status says of an answer that another edge had kept: no origin was asked. */
const sharedTier = 'shared-tier';

export interface OwnAnswer {
  readonly status: number;
  readonly detail: string;
  readonly outcome: CacheOutcome;
  readonly error?: ProxyError;
}

/** What the cache has, made into answers. */
export class Answers {
  readonly #init: AnswersInit;
  readonly #deps: AnswersDeps;
  readonly #fits = new WeakMap<Variant, Map<string, boolean>>();
  readonly #ready = new WeakMap<Fill, Turnstile<FillOutcome>>();
  /** A fill's body, and the answer that most of those get who waited for it. */
  readonly #answers = new WeakMap<GrowingBody, Map<string, EdgeReply>>();

  constructor(init: AnswersInit, deps: AnswersDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  fromObject(request: EdgeRequest, object: CachedObject, nowMs: number, outcome: CacheOutcome): EdgeReply | Promise<EdgeReply> {
    if (isSliced(object)) return this.fromSlices(request, object, nowMs, outcome);
    return this.selected(object, select(request, object.response, object.body.size, nowMs), nowMs, outcome);
  }

  selected(object: CachedObject, selection: Selection, nowMs: number, outcome: CacheOutcome): EdgeReply {
    const { body, response } = object;
    const head = this.#head(response, selection, body.size, { ...outcome, ttl: ttlSeconds(response.freshness, nowMs) }, nowMs);
    if (selection.kind === 'not-modified' || selection.kind === 'unsatisfiable') return { head, body: null };
    const sent = selection.kind === 'part' ? body.slice(selection.span.first, selection.span.last + 1) : body;
    this.#deps.counters.bytesServed += sent.size;
    return { head, body: sent };
  }

  /** From stored parts, if they are fresh and hold what is asked for. */
  fromParts(parts: StoredParts, request: EdgeRequest, range: string, control: CacheControl, nowMs: number): EdgeReply | undefined {
    const { freshness } = parts.response;
    const trust = this.#deps.trust();
    if (judgeReuse(freshness, nowMs, trust) !== 'fresh' || !satisfies(control, freshness, nowMs)) return undefined;
    const reply = this.partReply(parts, range, nowMs, { ...told(parts, nowMs, trust), ttl: ttlSeconds(freshness, nowMs) });
    if (reply !== undefined) this.#deps.counters.hits++;
    return reply;
  }

  partReply({ body, response }: StoredParts, range: string, nowMs: number, outcome: CacheOutcome): EdgeReply | undefined {
    const choice = chooseRange(range, body.length);
    if (choice.kind === 'whole') return undefined;
    const bytes = choice.kind === 'part' ? body.slice(choice.span) : null;
    if (bytes === undefined) return undefined;
    this.#deps.counters.bytesServed += bytes?.length ?? 0;
    return { head: this.#head(response, choice, body.length, outcome, nowMs), body: bytes };
  }

  /**
   * What came of a fill, as soon as it can be answered from. A short body is waited for until it is whole. Thousands may wait for
   * it: whatever each would wait for by itself, the first of them would wait for, too.
   */
  ready(fill: Fill): Promise<FillOutcome> {
    let ready = this.#ready.get(fill);
    if (ready === undefined) {
      ready = new Turnstile();
      this.#ready.set(fill, ready);
      void this.#open(ready, fill);
    }
    return ready.pass();
  }

  /** Of what is whole nothing is missed by who comes a moment later. */
  async #open(ready: Turnstile<FillOutcome>, fill: Fill): Promise<void> {
    const outcome = await this.#whole(fill);
    ready.open(outcome, outcome.kind !== 'shared' || outcome.body.complete);
  }

  async #whole(fill: Fill): Promise<FillOutcome> {
    const outcome = await fill.outcome;
    if (outcome.kind !== 'shared' || !outcome.body.joinable || outcome.length === undefined || outcome.length > this.#init.wholeBytesMax) return outcome;
    try {
      const whole = outcome.body.complete ? undefined : wholeOf(outcome.body);
      if (whole !== undefined) await atMost(whole, this.#init.wholeWaitMs);
      // Here with its last byte, and held back by us: for the segments that a playlist names.
      if (outcome.body.length === outcome.length) await whole;
      return outcome;
    } catch (error) {
      // Nothing of it was sent yet.
      return fill.staleInstead(undefined) ?? { kind: 'failed', error: error as OriginError };
    }
  }

  /** Whether what came of a fill is what a request asks for. Those who wait for the same spell it alike: it is looked into once. */
  fits(variant: Variant, request: EdgeRequest): boolean {
    const [name, more] = variant.names;
    if (name !== 'accept-encoding' || more !== undefined) return matchesVariant(variant, request);
    // Empty and absent are one variant.
    const value = request.field(name) ?? '';
    let known = this.#fits.get(variant);
    if (known === undefined) this.#fits.set(variant, (known = new Map()));
    let fits = known.get(value);
    if (fits === undefined) {
      fits = matchesVariant(variant, request);
      if (known.size < spellingsMax) known.set(value, fits);
    }
    return fits;
  }

  fromFill(request: EdgeRequest, outcome: FillOutcome & { kind: 'shared' }, waiting: Waiting): EdgeReply {
    const { body, response } = outcome;
    const length = body.complete ? body.length : outcome.length;
    const selection = select(request, response, length, this.#deps.now());
    const shared = selection.kind === 'whole' && body.complete && request.method === 'GET' && outcome.withheld.length === 0;
    const known = shared ? this.#answers.get(body)?.get(waitingKey(waiting)) : undefined;
    if (known !== undefined) {
      this.#deps.counters.bytesServed += body.length;
      return known;
    }
    const first = waiting.collapsed !== true && outcome.withheld.length > 0;
    const shown = first ? { ...response, fields: [...response.fields, ...outcome.withheld] } : response;
    const whence = outcome.fromShared === true ? { detail: sharedTier } : { forwardStatus: response.status };
    const head = this.#head(shown, selection, length, { ...waiting, stored: outcome.keeps, ...whence });
    if (selection.kind === 'not-modified' || selection.kind === 'unsatisfiable') return { head, body: null };
    if (request.method === 'HEAD') return { head, body: null };
    const [start, end] = selection.kind === 'part' ? [selection.span.first, selection.span.last + 1] : [0, length];
    if (body.complete) {
      const bytes = body.bytes().subarray(start, end);
      this.#deps.counters.bytesServed += bytes.length;
      if (!shared) return { head, body: bytes };
      return this.#share(body, waiting, head, bytes);
    }
    return { head, body: readerOf(body, (count) => (this.#deps.counters.bytesServed += count), start, end) };
  }

  /** Most bodies have one reader, to whom the bytes are sent as they are; with the second come many, and none of them copies it. */
  #share(body: GrowingBody, waiting: Waiting, head: ReplyHead, bytes: Uint8Array): EdgeReply {
    const answers = this.#answers.get(body);
    if (answers === undefined) {
      this.#answers.set(body, new Map());
      return { head, body: bytes };
    }
    const reply = { head, body: this.#deps.keep(bytes) };
    answers.set(waitingKey(waiting), reply);
    return reply;
  }

  failed(request: EdgeRequest, error: OriginError, waiting: Waiting): EdgeReply {
    const outcome = { ...waiting, detail: error.code.toLowerCase() };
    return this.problem(request, { status: error.status, detail: error.message, outcome, error: error.proxyError }, [['retry-after', '1']]);
  }

  problem({ target }: EdgeRequest, init: OwnAnswer, more?: readonly Field[]): EdgeReply {
    return problem({ ...init, target, cacheName: this.#init.cacheName }, more);
  }

  #head(
    response: StoredResponse,
    selection: Selection,
    length: number | undefined,
    outcome: CacheOutcome,
    nowMs = this.#deps.now(),
  ): ReturnType<typeof replyHead> {
    const { status, fields } = selectedHead(selection, response, length);
    const age: [string, string] = ['age', String(ageSeconds(response.freshness, nowMs))];
    return replyHead(status, withCacheStatus([...fields, age], this.#init.cacheName, outcome));
  }

  fromSlices(request: EdgeRequest, head: SlicedHead, nowMs: number, outcome: CacheOutcome, counted = true): EdgeReply | Promise<EdgeReply> {
    const { counters, slices } = this.#deps;
    const { cacheName, wholeBytesMax, wholeWaitMs } = this.#init;
    return slicedReply(
      { request, head, nowMs, outcome, counted },
      {
        ...{ slices, counters, cacheName, wholeBytesMax, wholeWaitMs },
        restart: () => this.#deps.restart(request, head.key),
        failed: (error) => this.failed(request, error, { forwarded: 'partial' }),
      },
    );
  }
}
