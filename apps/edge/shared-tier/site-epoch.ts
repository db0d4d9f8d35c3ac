import type { PurgeSubject } from '#core/http-cache';
import { backOffMs, pause } from '#runtime';
import { randomBytes } from 'node:crypto';
import type { SharedStore } from './shared-store.ts';
import type { KnownPurges } from './shared-tier.ts';

export interface SiteEpochDeps {
  readonly store: Pick<SharedStore, 'setEpoch'>;
  readonly stopping: AbortSignal;
  readonly now: () => number;
}

/** Between two looks for a number that nobody could be asked for, ms. */
const againMs = 1000;

/** Numbers that are remembered as replaced. */
const replacedMax = 1000;

/**
 * What stands in for the log where edges are alone: a number under one name of the shared tier, which each purge replaces by another. What
 * was kept under an earlier one holds no more, whatever was purged: a site has few purges, and its edges have no other way to agree.
 */
export class SiteEpoch {
  readonly #site: string;
  readonly #deps: SiteEpochDeps;
  #current: bigint | undefined;
  /** As it was known last, also while it is not known. */
  #last: bigint | undefined;
  #nextLookMs = 0;
  /** Should one of them come back, the server has been put back to a time before a purge. */
  readonly #replaced = new Set<bigint>();
  /** A purge that the tier has not been told of yet: until then it is not used. */
  #renewing: Promise<void> | undefined;

  constructor(site: string, deps: SiteEpochDeps) {
    this.#site = site;
    this.#deps = deps;
  }

  known(): KnownPurges | undefined {
    if (this.#current === undefined && this.#renewing === undefined && this.#deps.now() >= this.#nextLookMs) void this.begin();
    return this.#current === undefined ? undefined : { log: this.#site, positions: [this.#current] };
  }

  holds(_subject: PurgeSubject, positions: readonly bigint[]): boolean {
    return positions.length === 1 && positions[0] === this.#current;
  }

  /** What each reading brings; none where the server has lost it, and everything that was kept with it. */
  seen(epoch: bigint | undefined): void {
    if (this.#renewing !== undefined) return;
    if (epoch !== undefined && this.#replaced.has(epoch)) return void this.purged();
    if (epoch === undefined) {
      this.#current = undefined;
      void this.begin();
    } else this.#become(epoch);
  }

  /** Looks for the number, or makes one where there is none. */
  async begin(): Promise<void> {
    this.#nextLookMs = this.#deps.now() + againMs;
    const epoch = await this.#deps.store.setEpoch(newEpoch(), false).catch(() => undefined);
    if (epoch !== undefined) this.seen(epoch);
    else if (this.#renewing === undefined) this.#current = undefined;
  }

  /** Something was purged. Resolves when nothing of before is found any more, by anybody; however long that takes. */
  purged(): Promise<void> {
    this.#current = undefined;
    const renewing = (this.#renewing ?? Promise.resolve()).then(() => this.#renew());
    this.#renewing = renewing;
    return renewing.finally(() => {
      if (this.#renewing === renewing) this.#renewing = undefined;
    });
  }

  #become(epoch: bigint): void {
    if (this.#last !== undefined && this.#last !== epoch) this.#replaced.add(this.#last);
    for (const oldest of this.#replaced) {
      if (this.#replaced.size <= replacedMax) break;
      this.#replaced.delete(oldest);
    }
    this.#current = this.#last = epoch;
  }

  async #renew(): Promise<void> {
    const { stopping, store } = this.#deps;
    for (let failures = 0; !stopping.aborted; failures++) {
      try {
        const epoch = await store.setEpoch(newEpoch(), true);
        if (epoch !== undefined) this.#become(epoch);
        return;
      } catch {
        await pause(backOffMs(failures, 100, 2000), stopping);
      }
    }
  }
}

/** Never one that there was. */
function newEpoch(): bigint {
  return randomBytes(8).readBigUInt64BE() >> 1n;
}
