import { judgeReuse, pathOfKey, rangeToAskFor, type Trust } from '#core/http-cache';
import type { WishSource } from '#core/prefetch';
import type { EdgeReply, EdgeRequest } from '../server/exchange.ts';
import type { CachedObject } from './cached-object.ts';
import type { Fill } from './fill.ts';
import type { Fills } from './fills.ts';
import type { ObjectStore } from './object-store.ts';
import { askForGap } from './part-fill.ts';
import type { StoredParts } from './part-store.ts';
import type { Slices } from './slices.ts';

export interface FetchingInit {
  /** Whether a request is never answered from the cache, by its normal target. */
  readonly bypasses: (path: string, request: EdgeRequest) => boolean;
  /** Sends a request elsewhere, before anything is looked up; undefined for a zone that never does. */
  readonly redirect?: ((request: EdgeRequest) => EdgeReply | undefined) | undefined;
}

export interface FetchingDeps {
  readonly store: ObjectStore;
  readonly fills: Fills;
  /** Of what is too large for one piece. */
  readonly slices: Slices;
  readonly now: () => number;
  readonly trust: () => Trust;
  /** Answers the edge's own paths; undefined for all others. */
  readonly local: (request: EdgeRequest, target: string) => EdgeReply | Promise<EdgeReply> | undefined;
}

/** Why something is fetched ahead. */
export interface AheadOf {
  readonly source: WishSource;
  /** Nobody has said yet that it is there. */
  readonly guess?: boolean | undefined;
}

/** Why what somebody wants to be here is not asked for. */
export type WarmRefusal = 'bypass' | 'redirect' | 'local' | 'busy';

/** Begins fills: for a request that waits, and for what will be asked for. */
export class Fetching {
  readonly #init: FetchingInit;
  readonly #deps: FetchingDeps;

  constructor(init: FetchingInit, deps: FetchingDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /**
   * Begins to fetch what nobody has asked for, as if the request were for it. Undefined where there is nothing to fetch: it is
   * here, stale or not, on its way, for one client alone, never cached, or not fetched from the origin at all.
   */
  fetchAhead(key: string, request: EdgeRequest, { guess, source }: AheadOf): Fill | undefined {
    const { fills, local, store } = this.#deps;
    const path = pathOfKey(key);
    if (this.#init.bypasses(path, request) || this.#init.redirect?.(request) !== undefined || local(request, path) !== undefined) return undefined;
    const range = rangeToAskFor(request.field('range'));
    const asked = { key, request, range };
    if (store.has(key) || fills.full || fills.has(asked) || fills.has({ key, request }) || fills.isUnshared(asked)) return undefined;
    if (fills.recentFailure(key) !== undefined || (range !== undefined && store.parts.find(key, request) !== undefined)) return undefined;
    return fills.start({ key, requestFields: request.fields(), request, stale: undefined, range, ahead: source, guess });
  }

  /** Fetches what somebody wants to be here: unlike {@link fetchAhead}, it is stored like what a request brings, and what is stale is renewed. @returns what is here already, as it is */
  async warm(key: string, request: EdgeRequest): Promise<Fill | CachedObject | WarmRefusal> {
    const { fills, now, store, trust } = this.#deps;
    const path = pathOfKey(key);
    if (this.#init.bypasses(path, request)) return 'bypass';
    if (this.#init.redirect?.(request) !== undefined) return 'redirect';
    if (this.#deps.local(request, path) !== undefined) return 'local';
    const object = store.find(key, request) ?? (store.mayRecall(key) ? await store.recall(key, request) : undefined);
    if (object !== undefined && judgeReuse(object.response.freshness, now(), trust()) === 'fresh') return object;
    if (fills.full) return 'busy';
    const fill = fills.find({ key, request }) ?? this.start(request, key, object);
    fill.demand();
    return fill;
  }

  get slices(): Slices {
    return this.#deps.slices;
  }

  start(request: EdgeRequest, key: string, stale: CachedObject | undefined, range?: string, parts?: StoredParts): Fill {
    // The request does not outlive its client; the fill does.
    const fields = request.fields();
    const values = new Map<string, string>();
    for (const [name, value] of fields) values.set(name, values.has(name) ? `${values.get(name)}, ${value}` : value);
    const head = { method: 'GET', target: key, field: (name: string) => values.get(name) };
    const rest = range === undefined && parts !== undefined && askForGap(parts) !== undefined ? parts : undefined;
    return this.#deps.fills.start({ key, requestFields: fields, request: head, stale, range, parts: rest });
  }
}
