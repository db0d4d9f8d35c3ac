import {
  completed,
  fieldValue,
  fillFields,
  GrowingBody,
  judgeStoring,
  mayReachOthers,
  mayServeOnError,
  parseCacheControl,
  parseContentRange,
  pathOfKey,
  renewed,
  sliceKey,
  revalidationFields,
  satisfies,
  type CacheControl,
  type ContentRange,
  type ExchangeTimes,
  type Field,
  type Fields,
  type NotStoredReason,
  type LabelScope,
  labelsOf,
  type PurgeLabel,
  type PurgeLedger,
  type RequestHead,
  type StoredResponse,
  type Trust,
  type TtlSettings,
} from '#core/http-cache';
import type { WishSource } from '#core/prefetch';
import type { OriginSource } from '../origin/guarded-origin.ts';
import { OriginError, type OriginResponse } from '../origin/origin-client.ts';
import { type ByteSource, type BytesOf, type KeepBytes, sourceOfBytes } from '../server/exchange.ts';
import { CachedObject } from './cached-object.ts';
import type { ObjectStore } from './object-store.ts';
import { isSliced, type SlicedHead, type Slices } from './slices.ts';
import type { SharedFound, SharedTicket, SharedTier } from '../shared-tier/shared-tier.ts';
import { takeIn } from './take-in.ts';
import { aroundGap, askForGap, partOf, readPart, withPart } from './part-fill.ts';
import type { StoredParts } from './part-store.ts';

/** What came of asking the origin, known when its head is there. */
export type FillOutcome =
  /** It may be shared: everybody who waits reads it, now or later. */
  | {
      readonly kind: 'shared';
      readonly response: StoredResponse;
      readonly body: GrowingBody;
      readonly length: number | undefined;
      /** For the request alone that began it. */
      readonly withheld: Fields;
      /** False for what is not put into the store when it is whole. */
      readonly keeps: boolean;
      /** Whether another edge had asked the origin for it: it may be older than the fill. */
      readonly fromShared?: boolean | undefined;
    }
  /** The origin confirmed what is stored. */
  | { readonly kind: 'confirmed'; readonly object: CachedObject }
  /** Too large for one piece: its head, whose slices are here or come. */
  | { readonly kind: 'sliced'; readonly object: SlicedHead }
  /** A part of the whole, with which what is stored of it may answer. */
  | { readonly kind: 'part'; readonly parts: StoredParts }
  /** It failed, and what is stored may be served in its place. */
  | { readonly kind: 'stale'; readonly object: CachedObject; readonly originStatus: number | undefined }
  /** It is for one request only; the first that claims it. */
  | { readonly kind: 'private'; readonly reason: NotStoredReason | 'too-large'; readonly originStatus: number; claim(): OriginResponse | undefined }
  | { readonly kind: 'failed'; readonly error: OriginError };

/** Whether another edge's copy answers a request that wants a newer one (RFC 9111 section 5.2.1). */
export function isTooOld(outcome: FillOutcome, control: CacheControl, nowMs: number): boolean {
  return outcome.kind === 'shared' && outcome.fromShared === true && !satisfies(control, outcome.response.freshness, nowMs);
}

export interface FillDeps {
  readonly origin: OriginSource;
  readonly store: ObjectStore;
  readonly ledger: PurgeLedger;
  /** What everything here can be purged by, and whose tags they are. */
  readonly scope: LabelScope;
  readonly ttl: TtlSettings;
  readonly keep: KeepBytes;
  /** Larger bodies are not stored, bytes. */
  readonly objectBytesMax: number;
  /** What a stream that is too large to store may be ahead of its slowest reader, bytes. */
  readonly streamBytesMax: number;
  /** The name under which this edge puts itself into Via. */
  readonly pseudonym: string;
  /** How long a response that is for one request only waits to be claimed, ms. */
  readonly claimTimeoutMs: number;
  readonly slices: Slices;
  /** What edges keep for each other, where a key is this process's to ask for. */
  readonly shared?: ((key: string) => Pick<SharedTier, 'open' | 'find' | 'put' | 'takes'> | undefined) | undefined;
  readonly bytesOf: BytesOf;
  readonly now: () => number;
  readonly trust: () => Trust;
  /** Told when somebody waits for what was begun before anybody did. */
  readonly onDemand?: ((key: string, source: WishSource) => void) | undefined;
  /** Whether a response is one that {@link beforeStored} wants to see. */
  readonly looksAt?: ((fill: Fill, response: StoredResponse) => boolean) | undefined;
  /** Told of each response that is about to be stored; nobody gets the end of it before what this returns is over. */
  readonly beforeStored?: ((fill: Fill, response: StoredResponse, chunks: readonly Uint8Array[]) => Promise<void> | undefined) | undefined;
}

export interface FillInit {
  readonly key: string;
  /** The fields of the request that started it; the key apart, they only count where the response varies by them. */
  readonly requestFields: Fields;
  readonly request: RequestHead;
  /** What is stored but stale. */
  readonly stale: CachedObject | undefined;
  /** The range that is asked for, where the whole is not. */
  readonly range?: string | undefined;
  /** Stored parts, of which the rest is asked for. */
  readonly parts?: StoredParts | undefined;
  /** Why it is begun although nobody waits for it; undefined where somebody does. */
  readonly ahead?: WishSource | undefined;
  /** Whether nobody has said yet that it is there: that it is not says nothing to who asks a moment later. */
  readonly guess?: boolean | undefined;
  /** Whether it is the origin's own word that is wanted, and nothing that another edge has kept. */
  readonly fromOrigin?: boolean | undefined;
}

interface Judged {
  readonly outcome: FillOutcome;
  readonly pump?: () => Promise<void>;
}

/**
 * One request to the origin on behalf of everybody who wants the same. It belongs to no client: whoever goes away, the
 * first one included, changes nothing for it.
 */
export class Fill {
  readonly key: string;
  readonly generation: number;
  /** By what the response can be purged; its tags are known when its head is. */
  labels: readonly PurgeLabel[];
  readonly outcome: Promise<FillOutcome>;
  /** Resolves when the object is stored, or will never be. */
  readonly done: Promise<void>;
  /** Set as soon as the outcome is known. */
  settled: FillOutcome | undefined;
  /** Set when the origin gave nothing usable, or broke off. */
  failure: OriginError | undefined;
  /** Bytes of the body so far. */
  bytes = 0;
  /** Whether anybody has waited for it. */
  isDemanded = false;
  /** Undefined as soon as somebody waits for it. */
  #ahead: WishSource | undefined;
  readonly #init: FillInit;
  readonly #deps: FillDeps;
  /** What was known of the purges before the origin was asked: with it the others are given what comes. */
  #ticket: SharedTicket | undefined;

  /** @param onDone called when the object is stored, or will never be */
  constructor(init: FillInit, deps: FillDeps, onDone: () => void) {
    this.#init = init;
    this.#deps = deps;
    this.key = init.key;
    this.#ahead = init.ahead;
    this.generation = deps.ledger.generation;
    this.labels = labelsOf([], init.key, deps.scope);
    const done = Promise.withResolvers<void>();
    this.done = done.promise;
    this.outcome = this.#run(() => {
      onDone();
      done.resolve();
    });
  }

  /** Why it is under way although nobody waits for it. */
  get ahead(): WishSource | undefined {
    return this.#ahead;
  }

  /** Whether what came is no answer to anybody: it was asked for before it was there. */
  get isVain(): boolean {
    return this.#init.guess === true && (this.failure !== undefined || (this.settled?.kind === 'shared' && this.settled.response.status !== 200));
  }

  get requestFields(): Fields {
    return this.#init.requestFields;
  }

  /** Somebody waits for it now. */
  demand(): void {
    const { onDemand } = this.#deps;
    if (this.#ahead !== undefined) onDemand?.(this.key, this.#ahead);
    this.#ahead = undefined;
    this.isDemanded = true;
  }

  async #run(onDone: () => void): Promise<FillOutcome> {
    let pumping = false;
    try {
      const outcome = (await this.#fromOthers()) ?? (await this.#ask(this.#init));
      this.settled = outcome.outcome;
      if (outcome.pump !== undefined) {
        pumping = true;
        void outcome.pump().finally(onDone);
      }
      return outcome.outcome;
    } catch (error) {
      const failure = error instanceof OriginError ? error : new OriginError('ORIGIN_INVALID', 'The origin gave no valid HTTP response.', error);
      this.failure = failure;
      this.settled = this.staleInstead(undefined) ?? { kind: 'failed', error: failure };
      return this.settled;
    } finally {
      if (!pumping) onDone();
    }
  }

  /** What another edge has kept, if that may answer. */
  async #fromOthers(): Promise<Judged | undefined> {
    const { fromOrigin, key, parts, range, request } = this.#init;
    const tier = range === undefined && parts === undefined ? this.#deps.shared?.(key) : undefined;
    this.#ticket = this.#deps.trust().purgesKnown ? tier?.open(key) : undefined;
    if (tier === undefined || this.#ticket === undefined || fromOrigin === true) return undefined;
    const { scope } = this.#deps;
    const found = await tier.find({ ticket: this.#ticket, request, labelsOf: (fields) => labelsOf(fields, key, scope) });
    const control = parseCacheControl(request.field('cache-control'));
    return found !== undefined && satisfies(control, found.response.freshness, this.#deps.now()) ? this.#takeOver(found) : undefined;
  }

  #takeOver({ body: bytes, response }: SharedFound): Judged {
    // The others have it already.
    this.#ticket = undefined;
    this.#label(response);
    const body = new GrowingBody();
    const outcome = { kind: 'shared', response, body, length: bytes.length, withheld: [], keeps: true, fromShared: true } as const;
    return { outcome, pump: () => this.#pump(sourceOfBytes(bytes), body, outcome) };
  }

  async #ask(asked: Pick<FillInit, 'stale' | 'range' | 'parts'>): Promise<Judged> {
    const { parts, stale } = asked;
    const { now, origin } = this.#deps;
    const requestTimeMs = now();
    const patient = this.#ahead === undefined && !this.#hasStandIn();
    const response = await origin.request({ method: 'GET', shared: true, key: this.key, target: pathOfKey(this.key), fields: this.#fields(asked), patient });
    const times = { requestTimeMs, responseTimeMs: now() };
    if (response.status === 304 && stale !== undefined) {
      response.body?.cancel();
      const confirmed = this.#confirm(stale, response, times);
      // RFC 9111 section 4.3.4: a 304 that does not fit what is stored is no answer; the whole is asked for.
      return confirmed === undefined ? this.#ask({ stale: undefined }) : { outcome: confirmed };
    }
    if (response.status >= 500) {
      const instead = this.staleInstead(response.status);
      if (instead !== undefined) {
        response.body?.cancel();
        return { outcome: instead };
      }
    }
    if (asked.range !== undefined && response.status === 206) return this.#keepPart(response, times);
    if (parts !== undefined && (response.status === 206 || response.status === 416)) {
      const whole = aroundGap(parts, parts.response, response);
      if (whole !== undefined) return this.#judge({ ...completed(parts.response.fields, response), body: whole }, times, parts.body.length);
      response.body?.cancel();
      return this.#ask({ stale: undefined });
    }
    return this.#judge(response, times);
  }

  /** Stores a part, and answers with what is stored by then; a part that cannot be stored is for the one who asked. */
  async #keepPart(response: OriginResponse, times: ExchangeTimes): Promise<Judged> {
    const { claimTimeoutMs, keep, ledger, store, ttl } = this.#deps;
    const range = partOf(response);
    const verdict = judgeStoring(this.#asGet(), { status: 200, fields: withoutRange(response.fields) }, times, ttl);
    if (!verdict.store) return { outcome: unshared(response, verdict.reason, claimTimeoutMs) };
    const whole = parseContentRange(fieldValue(response.fields, 'content-range'))?.length;
    const cut =
      verdict.keeps && verdict.withheld.length === 0 && this.#ahead === undefined ? this.#cut(verdict.response, whole, response.body, true) : undefined;
    if (cut !== undefined) return cut;
    // A part whose length is not that of its range is passed on as it is, and believed by nobody here.
    if (range === undefined || (statedLength(response.fields) ?? lengthOf(range)) !== lengthOf(range))
      return { outcome: unshared(response, 'partial', claimTimeoutMs) };
    const bytes = await readPart(response.body, range);
    this.bytes += bytes.length;
    this.#label(verdict.response);
    const current = ledger.isCurrent(this, this.generation);
    const stored = current ? store.parts.find(this.key, this.#init.request) : undefined;
    const parts = withPart(stored, { key: this.key, labels: this.labels, response: verdict.response, generation: this.generation, range, bytes });
    const all = parts.body.complete ? parts.body.slice({ first: 0, last: parts.body.length - 1 }) : undefined;
    // Parts lie among what was asked for: ahead of that they take free room alone.
    if (this.#ahead !== undefined && store.room < bytes.length) return { outcome: { kind: 'part', parts } };
    if (current && all !== undefined) store.put(new CachedObject(parts, keep(all)));
    else if (current) store.parts.put(parts);
    return { outcome: { kind: 'part', parts } };
  }

  #asGet(): RequestHead {
    return { method: 'GET', target: pathOfKey(this.key), field: (name) => this.#init.request.field(name) };
  }

  #fields({ parts, range, stale }: Pick<FillInit, 'stale' | 'range' | 'parts'>): Field[] {
    const fields = fillFields(this.#init.requestFields, this.#deps.pseudonym);
    if (stale !== undefined) fields.push(...revalidationFields(stale.response.validators));
    const gap = parts === undefined ? undefined : askForGap(parts);
    if (gap !== undefined) fields.push(['range', gap.range], ['if-range', gap.etag]);
    if (range !== undefined) fields.push(['range', range]);
    return fields;
  }

  #confirm(stale: CachedObject, response: OriginResponse, times: ExchangeTimes): FillOutcome | undefined {
    const { ledger, store, ttl } = this.#deps;
    const fresh = renewed(stale.response, pathOfKey(this.key), response, times, ttl);
    if (fresh === undefined) return undefined;
    this.#label(fresh);
    // A purge that came after this was asked for: what waits for it may have it, what comes later may not.
    const current = store.holds(stale) && ledger.isCurrent(this, this.generation) && mayReachOthers(this.#init.request, fresh.fields);
    const renewal = { key: this.key, labels: this.labels, response: fresh, generation: this.generation };
    const object = current ? stale : new CachedObject(renewal, stale.body);
    if (current) stale.renew(renewal);
    if (current) void this.#giveStored(stale, fresh);
    return { kind: 'confirmed', object };
  }

  /** What stands in for what failed; undefined where nothing may (RFC 5861 section 4). The failure is remembered with the object, so that the origin is not asked at every request. */
  staleInstead(originStatus: number | undefined): FillOutcome | undefined {
    const { now, ttl } = this.#deps;
    const { stale } = this.#init;
    if (stale === undefined || !this.#hasStandIn()) return undefined;
    stale.retryAtMs = now() + ttl.errorMs;
    return { kind: 'stale', object: stale, originStatus };
  }

  #hasStandIn(): boolean {
    const { ledger, now, trust } = this.#deps;
    const { stale } = this.#init;
    if (stale === undefined || ledger.judge(stale, stale.generation).kind === 'purged') return false;
    return mayServeOnError(stale.response.freshness, now(), trust());
  }

  #judge(response: OriginResponse, times: ExchangeTimes, wholeLength?: number): Judged {
    const { objectBytesMax, ttl } = this.#deps;
    const verdict = judgeStoring(this.#asGet(), response, times, ttl);
    if (!verdict.store) return { outcome: unshared(response, verdict.reason, this.#deps.claimTimeoutMs) };
    const length = wholeLength ?? statedLength(response.fields);
    const mayCut = verdict.keeps && verdict.withheld.length === 0 && wholeLength === undefined && this.#ahead === undefined;
    const cut = mayCut ? this.#cut(verdict.response, length, response.body, false) : undefined;
    if (cut !== undefined) return cut;
    if (length !== undefined && length > objectBytesMax) return { outcome: unshared(response, 'too-large', this.#deps.claimTimeoutMs) };
    this.#label(verdict.response);
    const body = new GrowingBody();
    const { withheld } = verdict;
    // It may be the beginning of one: who reads it now gets what there is.
    const keeps = verdict.keeps && response.endsWithConnection !== true;
    const outcome: FillOutcome & { kind: 'shared' } = {
      kind: 'shared',
      response: verdict.response,
      body,
      length: response.body === null ? 0 : length,
      withheld,
      keeps,
    };
    return { outcome, pump: () => this.#pump(response.body, body, outcome) };
  }

  /** Takes the body in, whoever reads it; stores it when it is whole. */
  async #pump(source: ByteSource | null, body: GrowingBody, { keeps: stores, length, response }: FillOutcome & { kind: 'shared' }): Promise<void> {
    const { beforeStored, looksAt, objectBytesMax, store, streamBytesMax } = this.#deps;
    // Few are looked at before they are stored.
    const chunks: Uint8Array[] | undefined = stores && looksAt?.(this, response) === true ? [] : undefined;
    const told = {
      isAhead: () => this.#ahead !== undefined,
      onBytes: (bytes: Uint8Array) => {
        this.bytes += bytes.length;
        chunks?.push(bytes);
      },
      beforeEnd: () => (chunks !== undefined && body.joinable ? beforeStored?.(this, response, chunks) : undefined),
    };
    this.failure = await takeIn(source, body, { length, bytesMax: objectBytesMax, streamBytesMax, ...told }, store);
    // Of this one its head has gone out; who comes next gets what is stored.
    if (this.failure !== undefined) this.staleInstead(undefined);
    if (stores && body.complete && body.joinable) this.#store(response, body.bytes());
  }

  /** Undefined for what is kept in one piece. */
  #cut(response: StoredResponse, length: number | undefined, body: ByteSource | null, isPart: boolean): Judged | undefined {
    // What nobody asked for is not that large.
    if (this.#ahead !== undefined) return undefined;
    const { keep, ledger, slices, store } = this.#deps;
    const ranges = isPart || fieldValue(response.fields, 'accept-ranges')?.toLowerCase() === 'bytes';
    const cut = ranges && body !== null ? slices.cut(this.key, response, length) : undefined;
    if (cut === undefined) return undefined;
    this.#label(cut);
    const { generation, key, labels } = this;
    const object = new CachedObject({ key, labels, response: cut, generation }, keep(new Uint8Array(0))) as SlicedHead;
    if (ledger.isCurrent(this, generation)) store.put(object);
    const { stale } = this.#init;
    if (stale !== undefined && isSliced(stale) && !isSameCut(stale, object)) slices.drop(stale);
    if (isPart) body?.cancel();
    else if (body !== null) slices.begin(object, body, this.#ticket);
    return { outcome: { kind: 'sliced', object } };
  }

  /** What was asked for before a purge is not stored after it. */
  #store(response: StoredResponse, bytes: Uint8Array): void {
    const { ledger, store } = this.#deps;
    if (!ledger.isCurrent(this, this.generation) || this.isVain) return;
    const { generation, key, labels } = this;
    const ahead = this.#ahead;
    // Of what nobody asked for, a failure or "not there" is no news: it may be there when somebody does.
    if (ahead !== undefined && (response.status !== 200 || store.has(key))) return;
    const object = new CachedObject({ key, labels, response, generation }, this.#deps.keep(bytes));
    if (ahead === undefined) store.put(object);
    else store.putAhead(object, ahead);
    if (ahead === undefined) this.#give(response, bytes);
  }

  async #giveStored(object: CachedObject, response: StoredResponse): Promise<void> {
    if (this.#ticket === undefined || isSliced(object) || this.#deps.shared?.(this.key)?.takes(object.length) !== true) return;
    this.#give(response, await this.#deps.bytesOf(object.body));
  }

  /** To the other edges. */
  #give(response: StoredResponse, bytes: Uint8Array): void {
    if (this.#ticket !== undefined) this.#deps.shared?.(this.key)?.put(this.#ticket, response, bytes);
  }

  #label(response: StoredResponse): void {
    this.labels = labelsOf(response.fields, this.key, this.#deps.scope);
  }
}

function isSameCut(a: SlicedHead, b: SlicedHead): boolean {
  return sliceKey(a.key, a.response, a.response.sliced, 0) === sliceKey(b.key, b.response, b.response.sliced, 0);
}

const lengthOf = ({ first, last }: ContentRange): number => last - first + 1;

/** The fields of the whole that a part is of. */
function withoutRange(fields: Fields): Fields {
  return fields.filter(([name]) => name !== 'content-range' && name !== 'content-length');
}

/** RFC 9110 section 8.6; undefined also where transfer-encoding makes it void (RFC 9112 section 6.3). */
function statedLength(fields: Fields): number | undefined {
  const value = fieldValue(fields, 'content-length');
  if (value === undefined || fieldValue(fields, 'transfer-encoding') !== undefined) return undefined;
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** Whoever claims it takes the connection over; nobody does so twice, and one that nobody claims is given up. */
function unshared(response: OriginResponse, reason: NotStoredReason | 'too-large', claimTimeoutMs: number): FillOutcome {
  let left: OriginResponse | undefined = response;
  const timer = setTimeout(() => {
    left?.body?.cancel();
    left = undefined;
  }, claimTimeoutMs);
  const claim = (): OriginResponse | undefined => {
    clearTimeout(timer);
    const claimed = left;
    left = undefined;
    return claimed;
  };
  return { kind: 'private', reason, originStatus: response.status, claim };
}
