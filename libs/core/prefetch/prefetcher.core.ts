import type { Millis } from '#kernel';
import { ByteBudget } from './byte-budget.core.ts';
import { PrecisionMeter } from './precision.core.ts';
import type { Wish } from './wish.ts';

export interface PrefetchLimits {
  /** For the whole edge, and for each zone. */
  readonly bytesPerSec: number;
  readonly zoneBytesPerSec: number;
  /** At once. */
  readonly runningMax: number;
  readonly zoneRunningMax: number;
  /** While more fills than this are under way for somebody, nothing begins. */
  readonly demandMax: number;
  readonly waitingMax: number;
  /** What has waited so long was asked for by now, or will not be, ms. */
  readonly waitMaxMs: Millis;
  /** What was fetched is not wished for again so soon, whatever became of it, ms. */
  readonly againAfterMs: Millis;
}

/** Zones and keys that are remembered. */
const zonesMax = 10_000;
const recentMax = 20_000;

interface Zone {
  readonly budget: ByteBudget;
  running: number;
}

/**
 * Decides what is fetched ahead, and when: behind everything that somebody waits for, within bytes and places, each thing once.
 * Pure: wishes come in, what may begin goes out, and the outcome comes back.
 */
export class Prefetcher<Wished extends Wish = Wish> {
  readonly precision = new PrecisionMeter();
  readonly #limits: PrefetchLimits;
  readonly #budget: ByteBudget;
  readonly #zones = new Map<string, Zone>();
  readonly #waiting = new Map<string, { readonly wish: Wished; readonly sinceMs: Millis }>();
  readonly #running = new Map<string, Wished>();
  readonly #recent = new Map<string, Millis>();

  constructor(limits: PrefetchLimits) {
    this.#limits = limits;
    this.#budget = new ByteBudget(limits.bytesPerSec);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running.size;
  }

  /** False for what is under way, was fetched a moment ago, comes from a source that guesses badly, or finds no place. */
  wish(wish: Wished, nowMs: Millis): boolean {
    const id = idOf(wish);
    if (this.#waiting.has(id) || this.#running.has(id) || nowMs < (this.#recent.get(id) ?? 0)) return false;
    // What models foresee is judged zone by zone, before it comes here.
    if (wish.source !== 'model' && !this.precision.admits(wish.source)) return false;
    if (this.#waiting.size >= this.#limits.waitingMax) this.#dropLate(nowMs);
    if (this.#waiting.size >= this.#limits.waitingMax) return false;
    this.#waiting.set(id, { wish, sinceMs: nowMs });
    return true;
  }

  /** Somebody asked for it: it is on its way. */
  overtaken(key: string): void {
    this.#waiting.delete(key);
  }

  /**
   * What begins now; undefined when nothing may.
   * @param demand fills under way for somebody
   */
  next(nowMs: Millis, demand: number): Wished | undefined {
    const { demandMax, runningMax, waitMaxMs, zoneRunningMax } = this.#limits;
    if (this.#running.size >= runningMax || demand > demandMax || !this.#budget.allows(nowMs)) return undefined;
    for (const [id, { sinceMs, wish }] of this.#waiting) {
      if (nowMs - sinceMs > waitMaxMs) {
        this.#waiting.delete(id);
        continue;
      }
      const zone = this.#zone(wish.zone);
      if (zone.running >= zoneRunningMax || !zone.budget.allows(nowMs)) continue;
      this.#waiting.delete(id);
      this.#running.set(id, wish);
      zone.running++;
      return wish;
    }
    return undefined;
  }

  /** It is there, or will not be. @param bytes that it cost */
  finished(wish: Wished, bytes: number, nowMs: Millis): void {
    const id = idOf(wish);
    if (!this.#running.delete(id)) return;
    const zone = this.#zone(wish.zone);
    zone.running--;
    zone.budget.spend(bytes);
    this.#budget.spend(bytes);
    this.#recent.delete(id);
    this.#recent.set(id, nowMs + this.#limits.againAfterMs);
    if (this.#recent.size > recentMax) this.#recent.delete(this.#recent.keys().next().value as string);
  }

  /** When something that waits may begin for its bytes, ms; undefined when nothing waits. Places come free by {@link finished}. */
  nextDeadlineMs(nowMs: Millis): Millis | undefined {
    if (this.#waiting.size === 0) return undefined;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const { wish } of this.#waiting.values()) earliestMs = Math.min(earliestMs, this.#zone(wish.zone).budget.allowsAtMs(nowMs));
    return Math.max(earliestMs, this.#budget.allowsAtMs(nowMs));
  }

  #zone(id: string): Zone {
    const known = this.#zones.get(id);
    if (known !== undefined) return known;
    if (this.#zones.size >= zonesMax) for (const [other, { running }] of this.#zones) if (running === 0) this.#zones.delete(other);
    const zone = { budget: new ByteBudget(this.#limits.zoneBytesPerSec), running: 0 };
    this.#zones.set(id, zone);
    return zone;
  }

  #dropLate(nowMs: Millis): void {
    for (const [id, { sinceMs }] of this.#waiting) if (nowMs - sinceMs > this.#limits.waitMaxMs) this.#waiting.delete(id);
  }
}

function idOf({ key, range }: Wish): string {
  return range === undefined ? key : `${key} ${range}`;
}
