import { compilePattern } from '#adapters/re2';
import { PurgeLedger, type PurgeTarget } from '#core/http-cache';
import { pause } from '#runtime';
import type { ObjectStore } from '../cache/object-store.ts';

const slotsPerStep = 2000;
const stepPauseMs = 2;
const marksMax = 100_000;

/**
 * How many objects a purge would hit: held against a ledger of its own in which it alone has happened, in small steps
 * behind the requests.
 * @throws Error for a pattern that is none
 */
export async function countTargets(targets: readonly PurgeTarget[], store: ObjectStore): Promise<number> {
  const ledger = new PurgeLedger({ marksMax, patternsMax: marksMax, compile: compilePattern });
  for (const target of targets) ledger.purge(target);
  let objects = 0;
  let next: number | undefined = 0;
  while (next !== undefined) {
    next = store.scan(next, slotsPerStep, (object) => {
      if (!ledger.isCurrent(object, 0)) objects++;
    });
    if (next !== undefined) await pause(stepPauseMs);
  }
  return objects;
}
