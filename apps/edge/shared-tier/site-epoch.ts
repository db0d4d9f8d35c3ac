import type { PurgeSubject } from '#core/http-cache';
import { backOffMs, pause } from '#runtime';
import { randomInt } from 'node:crypto';
import type { SharedStore } from './shared-store.ts';
import type { KnownPurges } from './shared-tier.ts';

export interface SiteEpochDeps {
  readonly store: Pick<SharedStore, 'setEpoch'>;
  readonly stopping: AbortSignal;
  readonly now: () => number;
  /** Told why the number cannot be looked at: without it nothing else asks the tier. */
  readonly onAway?: (error: unknown) => void;
}

/** Between two looks at the number, ms. */
export const lookMs = 250;
/**
 * A number that another edge has made must have stood for so long before it is believed, over one connection: an edge that knows a later
 * one has replaced it by then, also when it has to connect again (`longestPauseMs`), ms.
 */
export const standsMs = 5000;

const randomBits = 20n;

/**
 * What stands in for the log where edges are alone: a number under one name of the shared tier, which each purge replaces by a higher one.
 * What was kept under an earlier one holds no more, whatever was purged: a site has few purges, and its edges have no other way to agree.
 *
 * The server may be put back to a time before a purge, without a sign of it. Who knows a higher number than the one that stands replaces
 * it; and who does not know believes none that has not stood for long enough for the others to see it.
 */
export class SiteEpoch {
  readonly #site: string;
  readonly #deps: SiteEpochDeps;
  #current: bigint | undefined;
  /** Of all that were ever seen here: whatever is lower has been replaced. */
  #highest = 0n;
  /** What stands there and is not believed yet, and since when. */
  #standing: { readonly epoch: bigint; readonly sinceMs: number } | undefined;
  /** A purge that the tier has not been told of yet: until then it is not used. */
  #renewing: Promise<void> | undefined;

  constructor(site: string, deps: SiteEpochDeps) {
    this.#site = site;
    this.#deps = deps;
  }

  known(): KnownPurges | undefined {
    return this.#current === undefined ? undefined : { log: this.#site, positions: [this.#current] };
  }

  holds(_subject: PurgeSubject, positions: readonly bigint[]): boolean {
    return positions.length === 1 && positions[0] === this.#current;
  }

  /** What each reading brings; undefined where the server has lost it, or may be another one, or is connected to anew. */
  seen(epoch: bigint | undefined): void {
    if (this.#renewing !== undefined || epoch === this.#current) return;
    this.#current = undefined;
    if (this.#standing?.epoch !== epoch) this.#standing = undefined;
    if (epoch !== undefined && epoch < this.#highest) void this.purged();
  }

  /** Looks at the number, and makes one where there is none. */
  async look(): Promise<void> {
    if (this.#renewing !== undefined) return;
    const { now, store } = this.#deps;
    const [own, askedAtMs] = [this.#next(), now()];
    const stands = (await store.setEpoch(own, false).catch((error: unknown) => this.#away(error)))?.stands;
    if (this.#renewing !== undefined) return;
    this.seen(stands);
    if (stands === undefined || stands === this.#current || stands < this.#highest) return;
    this.#highest = stands;
    // Under one that was never there before nothing was kept.
    if (stands === own) this.#current = own;
    else if (this.#standing?.epoch !== stands) this.#standing = { epoch: stands, sinceMs: now() };
    else if (askedAtMs - this.#standing.sinceMs >= standsMs) this.#current = stands;
  }

  /** Looks from now on, until the edge stops; resolves after the first look. */
  async begin(): Promise<void> {
    await this.look();
    void this.#watch();
  }

  /** Something was purged. Resolves when nothing of before is found any more, by anybody; however long that takes. */
  purged(): Promise<void> {
    this.#current = this.#standing = undefined;
    const renewing = (this.#renewing ?? Promise.resolve()).then(() => this.#renew());
    this.#renewing = renewing;
    return renewing.finally(() => {
      if (this.#renewing === renewing) this.#renewing = undefined;
    });
  }

  #away(error: unknown): undefined {
    if (!this.#deps.stopping.aborted) this.#deps.onAway?.(error);
  }

  async #watch(): Promise<void> {
    const { stopping } = this.#deps;
    while (!stopping.aborted) {
      await pause(lookMs, stopping);
      await this.look();
    }
  }

  async #renew(): Promise<void> {
    const { stopping, store } = this.#deps;
    for (let failures = 0; !stopping.aborted;) {
      const own = this.#next();
      try {
        const { before, stands } = await store.setEpoch(own, true);
        const highest = [this.#highest, own, before ?? 0n].reduce((a, b) => (a > b ? a : b));
        this.#highest = highest;
        // The clock of whoever made the one before is ahead of ours: nobody must take ours for an earlier one.
        if (own < highest) continue;
        if (stands === own) this.#current = own;
        return;
      } catch {
        await pause(backOffMs(failures++, 100, 2000), stopping);
      }
    }
  }

  /** Higher than all that there were, and no other edge's. */
  #next(): bigint {
    const own = (BigInt(this.#deps.now()) << randomBits) | BigInt(randomInt(2 ** Number(randomBits)));
    return own > this.#highest ? own : this.#highest + 1n;
  }
}
