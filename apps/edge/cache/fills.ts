import { variantOf, type PurgeLedger } from '#core/http-cache';
import type { OriginError } from '../origin/origin-client.ts';
import { BoundedMemo } from './bounded-memo.ts';
import { Fill, type FillDeps, type FillInit } from './fill.ts';

/** Fills under way at once; beyond that requests pass through uncollapsed. */
const fillsMax = 10_000;
const memoEntriesMax = 10_000;
/** How long a key that turned out to vary, or not to be shared, is known for it, ms. */
const varyMemoMs = 600_000;
const unsharedMemoMs = 10_000;
/** How long a failure answers for the next try, ms: an ailing origin is not hammered. */
const failureMemoMs = 1000;

/** An error holds all that was at work when it was made, connections and what is stored among it: of one that is kept, what it says is enough. */
function withoutStack(error: OriginError): OriginError {
  for (let each: unknown = error; each instanceof Error; each = each.cause) each.stack = String(each);
  return error;
}

/** What is not shared with those who show a credential may be shared with those who do not. */
function audienceOf({ key, request }: Pick<FillInit, 'key' | 'request'>): string {
  return request.field('authorization') === undefined ? key : `${key} authorized`;
}

/** The fills under way: one per key and variant, however many wait for it. */
export class Fills {
  readonly #deps: FillDeps;
  readonly #ledger: PurgeLedger;
  readonly #running = new Map<string, Fill>();
  /** Of them, those that were begun before anybody asked. */
  #ahead = 0;
  readonly #varies = new BoundedMemo<readonly string[]>(memoEntriesMax, varyMemoMs);
  readonly #unshared = new BoundedMemo<true>(memoEntriesMax, unsharedMemoMs);
  readonly #failures = new BoundedMemo<OriginError>(memoEntriesMax, failureMemoMs);
  /** Of bodies of no stated length that broke off a moment ago. */
  readonly #breaks = new BoundedMemo<true>(memoEntriesMax, failureMemoMs);

  constructor(deps: FillDeps) {
    this.#deps = deps;
    this.#ledger = deps.ledger;
  }

  /** How many of them somebody waits for. */
  get demanded(): number {
    return this.#running.size - this.#ahead;
  }

  /** Whether anything is under way for a key, in the variant that a request asks for. */
  has(init: Pick<FillInit, 'key' | 'request' | 'range'>): boolean {
    return this.#running.has(this.#idOf(init));
  }

  /** Of the purges so far. */
  get generation(): number {
    return this.#ledger.generation;
  }

  get running(): number {
    return this.#running.size;
  }

  get full(): boolean {
    return this.#running.size >= fillsMax;
  }

  /** True for a key whose last response was for one client only: collapsing its requests would only make them wait. */
  isUnshared(init: Pick<FillInit, 'key' | 'request'>): boolean {
    return this.#unshared.get(audienceOf(init), this.#deps.now()) === true;
  }

  /** Why the last fill of this key failed, a moment ago. */
  recentFailure(key: string): OriginError | undefined {
    return this.#failures.get(key, this.#deps.now());
  }

  /** The fill that this request can wait for: begun after the last purge, for the same variant, with its body at hand. */
  find(init: Pick<FillInit, 'key' | 'request' | 'range'>): Fill | undefined {
    const fill = this.#running.get(this.#idOf(init));
    if (fill === undefined || fill.isVain || !this.#ledger.isCurrent(fill, fill.generation)) return undefined;
    if (fill.settled?.kind !== 'shared') return fill;
    const { body, response } = fill.settled;
    return body.joinable && this.#deps.now() < response.freshness.freshUntilMs ? fill : undefined;
  }

  /**
   * Whether a purge that came before a request hits what a fill brought that the request has joined: by what the response
   * can be purged is not known before it is there.
   * @param joined the purge generation when the request joined
   */
  isOvertaken(fill: Fill, joined: number): boolean {
    return joined !== fill.generation && !this.#ledger.isCurrent(fill, fill.generation);
  }

  start(init: FillInit): Fill {
    let id = this.#idOf(init);
    if (init.ahead !== undefined) this.#ahead++;
    const fill: Fill = new Fill(init, this.#deps, () => {
      if (init.ahead !== undefined) this.#ahead--;
      if (this.#running.get(id) === fill) this.#running.delete(id);
      this.#remember(fill);
    });
    this.#running.set(id, fill);
    void fill.outcome.then((outcome) => {
      if (outcome.kind === 'private' && fill.ahead !== undefined) outcome.claim()?.body?.cancel();
      // What one range is answered with says nothing about the whole.
      if (outcome.kind === 'private' && init.range === undefined) this.#unshared.set(audienceOf(init), true, this.#deps.now());
      else if (outcome.kind !== 'private') this.#unshared.delete(audienceOf(init));
      if (outcome.kind === 'shared') this.#varies.set(init.key, outcome.response.variant.names, this.#deps.now());
      if (outcome.kind === 'sliced') this.#varies.set(init.key, outcome.object.response.variant.names, this.#deps.now());
      // From now on it is known by what the response varies: it goes under the name by which those who come later look for it.
      const named = this.#idOf(init);
      if (named === id || this.#running.get(id) !== fill) return;
      this.#running.delete(id);
      if (this.#running.has(named)) return;
      this.#running.set(named, fill);
      id = named;
    });
    return fill;
  }

  #remember({ ahead, failure, isVain, key, settled }: Fill): void {
    // What failed before anybody asked is tried again when somebody does.
    if (failure === undefined || ahead !== undefined || isVain) return;
    const now = this.#deps.now();
    // An origin that dies in the middle of something in the making, as of a segment of a live stream, is asked once more by whoever
    // comes next, who may wait for its return; one that breaks off again is not hammered.
    const isFirst = settled?.kind === 'shared' && settled.length === undefined && this.#breaks.get(key, now) === undefined;
    if (isFirst) this.#breaks.set(key, true, now);
    else this.#failures.set(key, withoutStack(failure), now);
  }

  #idOf(init: Pick<FillInit, 'key' | 'request' | 'range'>): string {
    const id = this.#variantOf(init);
    return init.range === undefined ? id : `${id} ${init.range}`;
  }

  #variantOf(init: Pick<FillInit, 'key' | 'request'>): string {
    const names = this.#varies.get(init.key, this.#deps.now());
    if (names === undefined || names.length === 0) return init.key;
    const { values } = variantOf(names, init.request);
    return `${init.key} ${JSON.stringify(values)}`;
  }
}
