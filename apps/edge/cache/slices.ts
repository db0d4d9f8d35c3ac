import {
  fieldValue,
  fillFields,
  GrowingBody,
  judgeStoring,
  pathOfKey,
  parseContentRange,
  rangeValidator,
  sliceCount,
  sliceKey,
  sliceSpan,
  type ByteSpan,
  type Fields,
  type PurgeLedger,
  type Sliced,
  type StoredResponse,
  type Trust,
  type TtlSettings,
} from '#core/http-cache';
import type { OriginSource } from '../origin/guarded-origin.ts';
import { OriginError, type OriginResponse } from '../origin/origin-client.ts';
import { type ByteSource, type BytesOf, type KeepBytes, sourceOfBytes } from '../server/exchange.ts';
import type { SharedTicket, SharedTier } from '../shared-tier/shared-tier.ts';
import { BoundedMemo } from './bounded-memo.ts';
import { CachedObject } from './cached-object.ts';
import type { ObjectStore } from './object-store.ts';
import { takeIn } from './take-in.ts';

/** Which objects are kept in slices, and in which, bytes. */
export interface SliceSettings {
  readonly fromBytes: number;
  readonly sliceBytes: number;
}

export interface SlicesDeps {
  readonly origin: OriginSource;
  readonly store: ObjectStore;
  readonly ledger: PurgeLedger;
  readonly ttl: TtlSettings;
  readonly keep: KeepBytes;
  readonly bytesOf: BytesOf;
  readonly streamBytesMax: number;
  readonly pseudonym: string;
  /** What edges keep for each other, where a key is this process's to ask for. */
  readonly shared?: ((key: string) => Pick<SharedTier, 'open' | 'find' | 'put' | 'takes'> | undefined) | undefined;
  readonly trust: () => Trust;
  readonly now: () => number;
}

/** What came of asking for a slice. */
export type SliceOutcome =
  | { readonly kind: 'bytes'; readonly body: GrowingBody }
  /** The origin has another version by now, or gives no ranges. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'failed'; readonly error: OriginError };

/** The object that stands for all slices of a version: its head, and where it is cut. */
export interface SlicedHead extends CachedObject {
  readonly response: StoredResponse & { readonly sliced: Sliced };
}

export function isSliced(object: CachedObject): object is SlicedHead {
  return object.response.sliced !== undefined;
}

interface SliceFill {
  readonly generation: number;
  readonly outcome: Promise<SliceOutcome>;
  settled: SliceOutcome | undefined;
}

/** Fills under way beyond which nothing is asked for ahead of time. */
const aheadMax = 64;
const memoEntriesMax = 10_000;
/** An object that changes twice within this time while it is read is none to be cut, for so long, ms. */
const changedMs = 10_000;
const uncutMs = 600_000;
/** Slices have no variants of their own: their key names the version. */
const anything = { field: () => undefined };
const noVariant = { names: [], values: [] };

/**
 * Large objects, each in slices that are stored, evicted and asked for one by one. A slice is of one version of its object,
 * by the validator and the length in its key, so that an answer never mixes two; one fill per slice, however many wait.
 */
export class Slices {
  readonly settings: SliceSettings;
  readonly #deps: SlicesDeps;
  readonly #running = new Map<string, SliceFill>();
  readonly #changed = new BoundedMemo<true>(memoEntriesMax, changedMs);
  /** However many read it, a version goes once. */
  readonly #outdated = new WeakSet<SlicedHead>();
  readonly #uncut = new BoundedMemo<true>(memoEntriesMax, uncutMs);

  constructor(settings: SliceSettings, deps: SlicesDeps) {
    this.settings = settings;
    this.#deps = deps;
  }

  get running(): number {
    return this.#running.size;
  }

  get bytesOf(): BytesOf {
    return this.#deps.bytesOf;
  }

  /**
   * The head of a response as that of an object in slices; undefined for one that is better kept whole.
   * @param length of the whole, bytes
   */
  cut(key: string, response: StoredResponse, length: number | undefined): (StoredResponse & { readonly sliced: Sliced }) | undefined {
    const { fromBytes, sliceBytes } = this.settings;
    const nowMs = this.#deps.now();
    if (length === undefined || length < fromBytes || length <= sliceBytes || response.status !== 200) return undefined;
    if (rangeValidator(response, nowMs) === undefined || this.#uncut.get(key, nowMs) === true) return undefined;
    return { ...response, sliced: { length, sliceBytes } };
  }

  /** A slice that is in memory, or comes from the disk at once. Counts as a use. */
  find({ key, response }: SlicedHead, index: number): CachedObject | undefined {
    const { store } = this.#deps;
    const id = sliceKey(key, response, response.sliced, index);
    return store.find(id, anything) ?? store.recallNow(id, anything);
  }

  /** Whether a slice lies in memory, or may lie on the disk. Nothing is used by looking. */
  has({ key, response }: SlicedHead, index: number): boolean {
    const { store } = this.#deps;
    const id = sliceKey(key, response, response.sliced, index);
    return store.peek(id, anything) !== undefined || store.mayRecall(id);
  }

  /** A slice from memory or disk. */
  async recall({ key, response }: SlicedHead, index: number): Promise<CachedObject | undefined> {
    const { store } = this.#deps;
    const id = sliceKey(key, response, response.sliced, index);
    return store.mayRecall(id) ? store.recall(id, anything) : undefined;
  }

  /** Asks the origin for a slice, or waits with those who have. */
  async fill(head: SlicedHead, index: number, requestFields: Fields): Promise<SliceOutcome> {
    return (this.#joinable(head, index) ?? this.#start(head, index, () => this.#ask(head, index, requestFields, true))).outcome;
  }

  /** Begins with a slice that somebody will want next, if it is not there. */
  ahead(head: SlicedHead, index: number, requestFields: Fields): void {
    const { ledger, store } = this.#deps;
    if (index >= sliceCount(head.response.sliced) || this.#running.size >= aheadMax) return;
    if (store.has(sliceKey(head.key, head.response, head.response.sliced, index)) || this.#joinable(head, index) !== undefined) return;
    if (!ledger.isCurrent(head, head.generation)) return;
    this.#start(head, index, () => this.#ask(head, index, requestFields, false));
  }

  /** The first slice from the response that brought the head, and would bring the whole; the rest of it is asked for as it is wanted. */
  begin(head: SlicedHead, source: ByteSource, asked?: SharedTicket): void {
    if (this.find(head, 0) !== undefined || this.#joinable(head, 0) !== undefined) {
      source.cancel();
      return;
    }
    const { first, last } = sliceSpan(head.response.sliced, 0);
    const ticket = asked === undefined ? undefined : { ...asked, key: sliceKey(head.key, head.response, head.response.sliced, 0), variants: undefined };
    this.#start(head, 0, async () => ({ source: excerpt(source, first, last - first + 1), keeps: true, ticket }), head.generation);
  }

  /** The origin has another version: nothing of this one is any use. */
  outdated(head: SlicedHead): void {
    if (this.#outdated.has(head)) return;
    this.#outdated.add(head);
    const nowMs = this.#deps.now();
    if (this.#changed.get(head.key, nowMs) === true) this.#uncut.set(head.key, true, nowMs);
    this.#changed.set(head.key, true, nowMs);
    this.#deps.store.remove(head);
    this.drop(head);
  }

  /** Forgets all slices of a version. */
  drop({ key, response }: SlicedHead): void {
    for (let index = 0; index < sliceCount(response.sliced); index++) this.#deps.store.purge(sliceKey(key, response, response.sliced, index));
  }

  #joinable({ key, labels, response }: SlicedHead, index: number): SliceFill | undefined {
    const { ledger } = this.#deps;
    const fill = this.#running.get(sliceKey(key, response, response.sliced, index));
    if (fill === undefined || !ledger.isCurrent({ key, labels }, fill.generation)) return undefined;
    return fill.settled === undefined || (fill.settled.kind === 'bytes' && fill.settled.body.joinable) ? fill : undefined;
  }

  /** @param generation of the purges when the origin was asked */
  #start(head: SlicedHead, index: number, ask: () => Promise<Brought | SliceOutcome>, generation = this.#deps.ledger.generation): SliceFill {
    const id = sliceKey(head.key, head.response, head.response.sliced, index);
    const done = (): void => {
      if (this.#running.get(id) === fill) this.#running.delete(id);
    };
    const outcome = this.#run(head, index, { ask, generation, done });
    const fill: SliceFill = { generation, settled: undefined, outcome };
    void outcome.then((settled) => (fill.settled = settled));
    this.#running.set(id, fill);
    return fill;
  }

  async #run(head: SlicedHead, index: number, { ask, done, generation }: SliceRun): Promise<SliceOutcome> {
    let taking = false;
    try {
      const brought = await ask();
      if ('kind' in brought) return brought;
      const body = new GrowingBody();
      taking = true;
      void this.#take(head, index, { ...brought, generation }, body).finally(done);
      return { kind: 'bytes', body };
    } catch (error) {
      const failure = error instanceof OriginError ? error : new OriginError('ORIGIN_INVALID', 'The origin gave no valid HTTP response.', error);
      return { kind: 'failed', error: failure };
    } finally {
      if (!taking) queueMicrotask(done);
    }
  }

  async #take(
    head: SlicedHead,
    index: number,
    { generation, keeps, source, ticket }: Brought & { readonly generation: number },
    body: GrowingBody,
  ): Promise<void> {
    const { keep, ledger, store, streamBytesMax } = this.#deps;
    const { key, labels, response } = head;
    const { first, last } = sliceSpan(response.sliced, index);
    const length = last - first + 1;
    const failure = await takeIn(source, body, { length, bytesMax: length, streamBytesMax }, store);
    if (failure !== undefined || !keeps || !body.complete || !body.joinable || !ledger.isCurrent({ key, labels }, generation)) return;
    const { freshness, validators } = response;
    const slice = { status: 206, fields: [], validators, freshness, variant: noVariant };
    const bytes = body.bytes();
    store.put(new CachedObject({ key: sliceKey(key, response, response.sliced, index), labels, response: slice, generation }, keep(bytes)));
    if (ticket !== undefined) this.#deps.shared?.(key)?.put(ticket, slice, bytes);
  }

  /** @param patient whether somebody waits for it */
  async #ask(head: SlicedHead, index: number, requestFields: Fields, patient: boolean): Promise<Brought | SliceOutcome> {
    const { now, origin, pseudonym, ttl } = this.#deps;
    const { key, response } = head;
    const span = sliceSpan(response.sliced, index);
    const ticket = this.#ticket(head, index);
    const kept = ticket === undefined ? undefined : await this.#kept(head, span, ticket);
    if (kept !== undefined) return kept;
    const validator = rangeValidator(response, now());
    if (validator === undefined) return { kind: 'changed' };
    const fields = fillFields(requestFields, pseudonym);
    fields.push(['range', `bytes=${span.first}-${span.last}`], ['if-range', validator]);
    const requestTimeMs = now();
    const target = pathOfKey(key);
    const answer = await origin.request({ method: 'GET', shared: true, key, target, fields, patient });
    const source = sliceOf(answer, response, span);
    if (source === undefined) {
      answer.body?.cancel();
      if (answer.status >= 500) return { kind: 'failed', error: new OriginError('ORIGIN_BROKEN', `The origin answered with status ${answer.status}.`) };
      return { kind: 'changed' };
    }
    const whole = answer.fields.filter(([name]) => name !== 'content-range' && name !== 'content-length');
    const request = { method: 'GET', target, field: (name: string) => fieldValue(requestFields, name) };
    const verdict = judgeStoring(request, { status: 200, fields: whole }, { requestTimeMs, responseTimeMs: now() }, ttl);
    return { source, keeps: verdict.store && verdict.keeps, ticket };
  }

  /** To be taken before anybody is asked; undefined where there is no tier, or it takes no slice of that size. */
  #ticket({ key, response }: SlicedHead, index: number): SharedTicket | undefined {
    const { first, last } = sliceSpan(response.sliced, index);
    const tier = this.#deps.trust().purgesKnown ? this.#deps.shared?.(key) : undefined;
    return tier?.takes(last - first + 1) === true ? tier.open(sliceKey(key, response, response.sliced, index), key) : undefined;
  }

  /** What another edge has kept of this version. */
  async #kept({ key, labels }: SlicedHead, { first, last }: ByteSpan, ticket: SharedTicket): Promise<Brought | undefined> {
    const found = await this.#deps.shared?.(key)?.find({ ticket, request: anything, labelsOf: () => labels });
    return found?.body.length === last - first + 1 ? { source: sourceOfBytes(found.body), keeps: true } : undefined;
  }
}

interface SliceRun {
  readonly ask: () => Promise<Brought | SliceOutcome>;
  readonly generation: number;
  readonly done: () => void;
}

interface Brought {
  readonly source: ByteSource;
  /** Whether it may be kept. */
  readonly keeps: boolean;
  /** With which the others are given it; undefined for what they have, or are not given. */
  readonly ticket?: SharedTicket | undefined;
}

/** What of an answer is the slice; undefined when it is of another version. An origin without ranges sends all of it. */
function sliceOf(
  { body, fields, status }: OriginResponse,
  { sliced, validators }: StoredResponse & { readonly sliced: Sliced },
  span: ByteSpan,
): ByteSource | undefined {
  const same = validators.etag === undefined ? fieldValue(fields, 'last-modified') === validators.lastModified : fieldValue(fields, 'etag') === validators.etag;
  if (!same || body === null) return undefined;
  const bytes = span.last - span.first + 1;
  if (status === 206) {
    const range = parseContentRange(fieldValue(fields, 'content-range'));
    return range?.first === span.first && range.last === span.last && range.length === sliced.length ? body : undefined;
  }
  return status === 200 && fieldValue(fields, 'content-length') === String(sliced.length) ? excerpt(body, span.first, bytes) : undefined;
}

/** A part of what a source brings; the rest is given up. */
function excerpt(source: ByteSource, skip: number, take: number): ByteSource {
  let [before, left] = [skip, take];
  return {
    cancel: () => source.cancel(),
    read: async () => {
      while (left > 0) {
        const bytes = await source.read();
        if (bytes === undefined) return undefined;
        const from = Math.min(before, bytes.length);
        before -= from;
        const part = bytes.subarray(from, from + left);
        left -= part.length;
        if (left === 0) source.cancel();
        if (part.length > 0) return part;
      }
      return undefined;
    },
  };
}
