import type { PurgeLedger } from '#core/http-cache';
import { pause } from '#runtime';
import type { ObjectStore } from '../cache/object-store.ts';

/** Slots looked at in one go: well under a millisecond, so that no request waits for it … */
const slotsPerStep = 2000;
/** … and the pause behind it, ms. */
const stepPauseMs = 4;
/** How often it is looked whether there is anything to do, ms. */
const everyMs = 200;

export interface ReclaimerDeps {
  readonly ledger: PurgeLedger;
  readonly store: ObjectStore;
  /** Told when everything in memory has been looked at that was purged up to a generation. */
  readonly onPassed: (generation: number) => void;
}

/** Frees the memory of what was purged, in small steps behind the requests: nothing of it is served meanwhile. */
export class Reclaimer {
  readonly #deps: ReclaimerDeps;
  #passed = 0;

  constructor(deps: ReclaimerDeps) {
    this.#deps = deps;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(everyMs, signal);
      await this.pass(signal);
    }
  }

  /** Looks at every object once, if something was purged since the last time. */
  async pass(signal?: AbortSignal): Promise<void> {
    const { ledger, onPassed, store } = this.#deps;
    const { generation } = ledger;
    if (generation === this.#passed) return;
    for (let slot = store.reclaim(0, slotsPerStep); slot !== undefined; slot = store.reclaim(slot, slotsPerStep)) {
      await pause(stepPauseMs, signal);
      if (signal?.aborted === true) return;
    }
    this.#passed = generation;
    onPassed(generation);
  }
}
