import { fieldValue, pathOfKey, type Fields, type StoredResponse } from '#core/http-cache';
import {
  nextRequests,
  planManifest,
  Prefetcher,
  readDash,
  readHls,
  TrackMemory,
  type Manifest,
  type PrefetchLimits,
  type Wish,
  type WishSource,
} from '#core/prefetch';
import type { CachedObject } from '../cache/cached-object.ts';
import type { Fill } from '../cache/fill.ts';
import type { EdgeRequest } from '../server/exchange.ts';
import { platformZoneId, zoneOfKey, type ZoneTable } from '../zones/zone-table.ts';
import type { Site } from '../zones/zone.ts';
import { aheadFields, aheadRequest } from './ahead-request.ts';
import { Foresight } from './foresight.ts';
import { Unasked } from './unasked.ts';
import { isManifest, manifestText } from './manifest-text.ts';
import { PrefetchCounters } from './prefetch-counters.ts';

export interface EdgePrefetchInit {
  readonly limits: PrefetchLimits;
  /** Segments that are fetched before the one that somebody plays is over. */
  readonly segmentsAhead: number;
  /** Where this edge is: who is there may ask for other things. */
  readonly region?: string | undefined;
}

export interface EdgePrefetchDeps {
  readonly zones: ZoneTable;
  readonly now: () => number;
  /** Whether anything lies under a key. */
  readonly has: (key: string) => boolean;
  readonly onError: (error: unknown) => void;
}

interface AheadWish extends Wish {
  readonly fields: Fields;
  /** Of the zone when it was wished for: under another one it would be somebody else's key. */
  readonly epoch: number;
  /** Whether it is foreseen by its number alone, and may not be there. */
  readonly guess?: boolean;
}

const memory = { manifestsMax: 1000, segmentsMax: 50_000, activeMs: 20_000 };
/** What waits for nothing but places is looked at again after this, ms. */
const againMs = 20;
/** So long a manifest waits for what it names at most, ms. */
const holdMaxMs = 250;
/** The platform's own origin holds who asks for a segment before it is there, so that it is on its way in the moment in which it is, ms. */
const heldMs = 200;
const lowLatencyReload = /[?&]_HLS_(?:part|msn)=/;

/** Fetches what will be asked for next: told by manifests, by players (CMCD), and by what somebody asked for before. */
export class EdgePrefetch {
  readonly counters = new PrefetchCounters();
  readonly foresight: Foresight;
  readonly #init: EdgePrefetchInit;
  readonly #deps: EdgePrefetchDeps;
  readonly #prefetcher: Prefetcher<AheadWish>;
  readonly #tracks = new TrackMemory(memory);
  /** What is being fetched ahead, whole. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** What was fetched, and has not been asked for. */
  readonly #unasked = new Unasked();
  #timer: NodeJS.Timeout | undefined;

  constructor(init: EdgePrefetchInit, deps: EdgePrefetchDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#prefetcher = new Prefetcher(init.limits);
    this.foresight = new Foresight(init.region ?? '');
  }

  get running(): number {
    return this.#prefetcher.running;
  }

  get waiting(): number {
    return this.#prefetcher.waiting;
  }

  /** Share of what was fetched for a source that was used; undefined while too little is known. */
  precision(source: WishSource): number | undefined {
    return this.#prefetcher.precision.precision(source);
  }

  /** Looked at by every request: most say nothing. */
  see(request: EdgeRequest, site: Site): void {
    const { keyPrefix, zone } = site;
    if (this.foresight.knows(zone.id, request.target)) this.#foresee(request, site);
    const field = request.field('cmcd-request');
    if ((field === undefined && !request.target.includes('CMCD=')) || request.method !== 'GET') return;
    const next = nextRequests(request.target, field);
    if (next.length === 0) return;
    const fields = aheadFields(request.fields());
    if (fields === undefined) return;
    for (const { range, target } of next) {
      const path = zone.keyOfUrl(target);
      if (path !== undefined) this.#wish({ key: keyPrefix + path, range, source: 'cmcd', zone: zone.id, epoch: zone.epoch, fields });
    }
    this.#pump();
  }

  /** What follows by the learned model begins when this request is answered, or waits for its own fill. */
  #foresee(request: EdgeRequest, { keyPrefix, zone }: Site): void {
    const fields = request.method === 'GET' ? aheadFields(request.fields()) : undefined;
    if (fields === undefined) return;
    const likely = this.foresight.after(zone.id, request.target, request.field('user-agent'));
    if (likely.length === 0) return;
    setImmediate(() => {
      for (const { path } of likely) {
        const wished = zone.keyOfUrl(path);
        if (wished !== undefined) this.#wish({ key: keyPrefix + wished, range: undefined, source: 'model', zone: zone.id, epoch: zone.epoch, fields });
      }
      this.#pump();
    });
  }

  /** Somebody waits for the origin. */
  missed(key: string, fields: Fields): void {
    this.#prefetcher.overtaken(key);
    this.#tracks.arrived(key, true);
    this.#follow(key, fields);
  }

  /** What was fetched ahead was asked for while it was on its way. */
  demanded(key: string, source: WishSource): void {
    this.#unasked.forget(key);
    this.#note(key, source, 'used');
  }

  /** What became of an object that was fetched ahead. */
  outcome({ key, response: { variant } }: CachedObject, source: WishSource, outcome: 'used' | 'wasted'): void {
    if (this.#unasked.forget(key)) this.#note(key, source, outcome);
    if (outcome === 'wasted') return;
    const { names, values } = variant;
    this.#follow(
      key,
      names.flatMap((name, at) => (values[at] === undefined ? [] : [[name, values[at]] as const])),
    );
  }

  /** Whether a response tells what is next. */
  looksAt(fill: Fill, response: StoredResponse): boolean {
    return isManifest(response, pathOfKey(fill.key)) && aheadFields(fill.requestFields) !== undefined;
  }

  /**
   * A manifest is whole. What it names is fetched, and for a moment it waits for that: who reads of a segment in it would ask
   * at once, all together, and wait then. Players with low latency are not held up.
   */
  async prepare(fill: Fill, response: StoredResponse, chunks: readonly Uint8Array[]): Promise<void> {
    const fields = aheadFields(fill.requestFields);
    if (fields === undefined) return;
    try {
      const text = await manifestText(response, Buffer.concat(chunks));
      // A playlist that was fetched for another one leads to segments and to no more playlists.
      const leads = fill.ahead === undefined;
      const planned = text === undefined ? [] : this.#plan(fill.key, text, fields, leads);
      if (fill.ahead === undefined && !lowLatencyReload.test(fill.key)) await this.#untilThere(planned);
    } catch (error) {
      this.#deps.onError(error);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** @returns the keys of segments that will be asked for */
  #plan(key: string, text: string, fields: Fields, leads: boolean): readonly string[] {
    const { now, zones } = this.#deps;
    const target = pathOfKey(key);
    const base = { target, host: fieldValue(fields, 'host') };
    const manifest: Manifest | undefined = text.startsWith('#EXTM3U') ? readHls(text, base) : readDash(text, base, now());
    const zone = zones.get(zoneOfKey(key).id);
    if (manifest === undefined || zone === undefined) return [];
    const prefix = key.slice(0, key.length - target.length);
    const keyOf = (next: string): string | undefined => {
      const path = zone.keyOfUrl(next);
      return path === undefined ? undefined : prefix + path;
    };
    const name = key.replaceAll(/[?&]_HLS_\w+=[^&]*/g, '');
    const isWatched = (trackId: string): boolean => this.#tracks.isWatched(name, trackId, now());
    const lowLatency = lowLatencyReload.test(target);
    const planned = planManifest(manifest, { ahead: this.#init.segmentsAhead, lowLatency, isWatched });
    if (manifest.tracks.length > 0) this.#tracks.note(name, manifest, keyOf, now());
    const playlists = new Set(manifest.playlists);
    const keys: string[] = [];
    for (const next of planned) {
      const wished = !leads && playlists.has(next.target) ? undefined : keyOf(next.target);
      if (wished === undefined) continue;
      this.#wish({ key: wished, range: undefined, source: next.source, zone: zone.id, epoch: zone.epoch, fields });
      if (next.source === 'manifest' && !playlists.has(next.target)) keys.push(wished);
    }
    this.#pump();
    return keys;
  }

  async #untilThere(keys: readonly string[]): Promise<void> {
    const underWay = keys.flatMap((key) => this.#underWay.get(key) ?? []);
    if (underWay.length === 0) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, holdMaxMs);
    await Promise.race([Promise.all(underWay), late.promise]);
    clearTimeout(timer);
  }

  #follow(key: string, fields: Fields): void {
    const nowMs = this.#deps.now();
    const next = this.#tracks.following(key, this.#init.segmentsAhead, nowMs);
    const kept = aheadFields(fields);
    if (kept === undefined) return;
    const { epoch, id } = zoneOfKey(key);
    const common = { range: undefined, source: 'manifest', zone: id, epoch, fields: kept } as const;
    for (const wished of next) this.#wish({ key: wished, ...common });
    const foreseen = this.#tracks.foresee(key, nowMs);
    if (foreseen !== undefined) this.#await({ key: foreseen.key, ...common, guess: true }, foreseen.dueMs - nowMs - (id === platformZoneId ? heldMs : 0));
    if (next.length > 0) this.#pump();
  }

  /** What no manifest has named yet is asked for when it is due. */
  #await(wish: AheadWish, ms: number): void {
    const timer = setTimeout(
      () => {
        this.#wish(wish);
        this.#pump();
      },
      Math.max(0, ms),
    );
    timer.unref();
  }

  #wish(wish: AheadWish): void {
    if (this.#prefetcher.wish(wish, this.#deps.now())) this.counters.of(wish.source).wished++;
  }

  #note(key: string, source: WishSource, outcome: 'used' | 'wasted'): void {
    if (source === 'model') this.foresight.note(zoneOfKey(key).id, outcome);
    this.#prefetcher.precision.note(source, outcome);
    this.counters.of(source)[outcome]++;
  }

  /** Begins what may begin, and comes back for the rest. */
  #pump(): void {
    const { now, zones } = this.#deps;
    for (const [key, source] of this.#unasked.overdue(now())) this.#note(key, source, 'wasted');
    const demand = (): number => zones.all().reduce((sum, { fills }) => sum + fills.demanded, 0);
    for (let wish = this.#prefetcher.next(now(), demand()); wish !== undefined; wish = this.#prefetcher.next(now(), demand())) this.#begin(wish);
    const dueMs = this.#prefetcher.nextDeadlineMs(now());
    if (dueMs === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#pump();
      },
      Math.max(againMs, dueMs - now()),
    );
    this.#timer.unref();
  }

  #begin(wish: AheadWish): void {
    const { has, now, zones } = this.#deps;
    const zone = zones.get(wish.zone);
    const request = aheadRequest(pathOfKey(wish.key), wish.fields, wish.range);
    const fill = zone === undefined || zone.epoch !== wish.epoch ? undefined : zone.handler.fetching.fetchAhead(wish.key, request, wish);
    if (fill === undefined) {
      this.#tracks.arrived(wish.key, true);
      return this.#prefetcher.finished(wish, 0, now());
    }
    const counted = this.counters.of(wish.source);
    counted.fetched++;
    if (wish.range === undefined) this.#underWay.set(wish.key, fill.done);
    // Before it is there: it may be asked for as soon as it is.
    if (wish.range === undefined) this.#unasked.add(wish.key, wish.source, now());
    void fill.done.then(() => {
      this.#underWay.delete(wish.key);
      this.#tracks.arrived(wish.key, has(wish.key));
      // What no cache may keep was fetched for nothing, if nobody asked meanwhile; what is only announced may not be there yet.
      const isGone = fill.ahead !== undefined && !has(wish.key) && this.#unasked.forget(wish.key);
      if (isGone && wish.source === 'model') this.#note(wish.key, wish.source, 'wasted');
      counted.bytes += fill.bytes;
      this.#prefetcher.finished(wish, fill.bytes, now());
      this.#pump();
    });
  }
}
