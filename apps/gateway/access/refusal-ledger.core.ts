import type { Refusals } from '#domain/access';

export type Refusal = Omit<Refusals, 'count' | 'firstAtMs' | 'lastAtMs'> & {
  /** Whose business it is; the platform's for strangers. */
  readonly tenant: string;
};

export interface CountedRefusals extends Refusals {
  readonly tenant: string;
}

/** Addresses that are told apart within a window, and kinds of refusals per address; what comes after is counted together. */
export const addressesMax = 100;
export const kindsMax = 8;
export const refusalWindowMs = 60_000;
const several = 'several';

interface Group {
  readonly refusal: Refusal;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
}

/**
 * Refusals, counted by address and kind in windows of a minute, so that nobody fills the log by being refused: the first
 * of a kind is told at once, the others together at the window's end.
 */
export class RefusalLedger {
  readonly #windowMs: number;
  #endsAtMs = 0;
  /** Kinds by address. */
  #addresses = new Map<string, Map<string, Group>>();

  constructor(windowMs = refusalWindowMs) {
    this.#windowMs = windowMs;
  }

  /** Counts one; answers what is to be told now. */
  note(refusal: Refusal, nowMs: number): readonly CountedRefusals[] {
    const ended = this.due(nowMs);
    if (this.#addresses.size === 0) this.#endsAtMs = nowMs + this.#windowMs;
    const counted = this.#bounded(refusal);
    const kinds = this.#addresses.get(counted.address) ?? new Map<string, Group>();
    this.#addresses.set(counted.address, kinds);
    const kind = JSON.stringify(counted);
    const group = kinds.get(kind);
    if (group === undefined) {
      // Told already: what follows is counted from nothing.
      kinds.set(kind, { refusal: counted, count: 0, firstAtMs: 0, lastAtMs: 0 });
      return [...ended, { ...counted, count: 1, firstAtMs: nowMs, lastAtMs: nowMs }];
    }
    if (group.count++ === 0) group.firstAtMs = nowMs;
    group.lastAtMs = nowMs;
    return ended;
  }

  /** What has been counted in a window that is over. */
  due(nowMs: number): readonly CountedRefusals[] {
    return nowMs < this.#endsAtMs ? [] : this.close();
  }

  /** Ends the window early. */
  close(): readonly CountedRefusals[] {
    const groups = [...this.#addresses.values()].flatMap((kinds) => [...kinds.values()]);
    this.#addresses = new Map();
    return groups.filter(({ count }) => count > 0).map(({ refusal, count, firstAtMs, lastAtMs }) => ({ ...refusal, count, firstAtMs, lastAtMs }));
  }

  /** Beyond the bounds only the reason is told apart, of which there are few. */
  #bounded(refusal: Refusal): Refusal {
    const kinds = this.#addresses.get(refusal.address);
    const fits = kinds === undefined ? this.#addresses.size < addressesMax : kinds.size < kindsMax || kinds.has(JSON.stringify(refusal));
    if (fits) return refusal;
    return { address: kinds === undefined ? '' : refusal.address, who: several, operation: several, reason: refusal.reason, tenant: 'default' };
  }
}
