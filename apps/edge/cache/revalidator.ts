import type { Field } from '#core/http-cache';
import { pause } from '#runtime';
import type { Zone } from '../zones/zone.ts';
import { platformZoneId, type ZoneTable } from '../zones/zone-table.ts';
import type { CachedObject } from './cached-object.ts';
import type { ObjectStore } from './object-store.ts';

export interface RevalidatorInit {
  /** Objects that origins are asked about at most. */
  readonly perSecond: number;
}

export interface RevalidatorDeps {
  readonly store: Pick<ObjectStore, 'scan'>;
  readonly zones: Pick<ZoneTable, 'get'>;
  readonly now: () => number;
}

/** Asked for so often since the origin last spoke of it … */
const usesMin = 3;
/** … and that is so long ago, ms. */
const afterMs = 30_000;
const slotsPerStep = 2000;
const stepPauseMs = 4;
const everyMs = 1000;

function isDue({ response, uses }: CachedObject, nowMs: number): boolean {
  const { freshness, status, validators } = response;
  if (uses < usesMin || status !== 200 || (validators.etag === undefined && validators.lastModified === undefined)) return false;
  return nowMs < freshness.freshUntilMs && nowMs - freshness.validatedAtMs >= afterMs;
}

/** Asks origins about what many ask for before it expires, within a budget: a change is found long before a lifetime ends. */
export class Revalidator {
  readonly #init: RevalidatorInit;
  readonly #deps: RevalidatorDeps;
  /** Where the next round goes on. */
  #slot = 0;
  readonly #counts = { asked: 0, confirmed: 0, changed: 0, failed: 0 };

  constructor(init: RevalidatorInit, deps: RevalidatorDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** What came of it since the start. */
  get counts(): Readonly<Record<'asked' | 'confirmed' | 'changed' | 'failed', number>> {
    return { ...this.#counts };
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(everyMs, signal);
      await this.round(signal);
    }
  }

  /** Looks through memory once, or until the budget of a second is spent. */
  async round(signal?: AbortSignal): Promise<void> {
    const { store } = this.#deps;
    for (let left = this.#init.perSecond; left > 0 && signal?.aborted !== true;) {
      const due: CachedObject[] = [];
      const nowMs = this.#deps.now();
      const next = store.scan(this.#slot, slotsPerStep, (object) => {
        if (due.length < left && isDue(object, nowMs)) due.push(object);
      });
      left -= due.length;
      for (const object of due) this.#ask(object);
      // What a full budget left out here is looked at again.
      if (left > 0) this.#slot = next ?? 0;
      if (next === undefined) return;
      await pause(stepPauseMs, signal);
    }
  }

  #ask(object: CachedObject): void {
    const zone = this.#zoneOf(object.key);
    const { names, values } = object.response.variant;
    const fields = names.flatMap((name, at): Field[] => {
      const value = values[at];
      return value === undefined ? [] : [[name, value]];
    });
    const byName = new Map(fields);
    const { key } = object;
    const request = { method: 'GET', target: key, field: (name: string) => byName.get(name) };
    if (zone === undefined || zone.fills.full || zone.fills.find({ key, request }) !== undefined || zone.fills.recentFailure(key) !== undefined) return;
    const { etag, lastModified } = object.response.validators;
    // Whatever comes of it, it is not asked about again at once.
    object.uses = 0;
    this.#counts.asked++;
    void zone.fills.start({ key, requestFields: fields, request, stale: object, fromOrigin: true }).outcome.then((outcome) => {
      const response = outcome.kind === 'shared' ? outcome.response : outcome.kind === 'sliced' ? outcome.object.response : undefined;
      if (response === undefined) {
        this.#counts[outcome.kind === 'confirmed' ? 'confirmed' : 'failed']++;
        return;
      }
      const same = etag === undefined ? lastModified !== undefined && response.validators.lastModified === lastModified : response.validators.etag === etag;
      this.#counts[same ? 'confirmed' : 'changed']++;
    });
  }

  /** Undefined for a key of a zone, or of an epoch of it, that is not served any more. */
  #zoneOf(key: string): Zone | undefined {
    if (key.startsWith('/')) return this.#deps.zones.get(platformZoneId);
    const match = /^([^/!]*)\.(\d+)[/!]/.exec(key);
    const zone = match === null ? undefined : this.#deps.zones.get(match[1] as string);
    return zone !== undefined && String(zone.epoch) === match?.[2] ? zone : undefined;
  }
}
