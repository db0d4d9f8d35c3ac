import type { PurgeLedger } from '#core/http-cache';
import type { ObjectStore } from '../cache/object-store.ts';
import type { ZoneTable } from '../zones/zone-table.ts';

/** Makes the edge forget. First the ledger, so that no fill under way can put back what the store drops. */
export class Purger {
  readonly #ledger: PurgeLedger;
  readonly #store: ObjectStore;
  readonly #zones: ZoneTable;

  constructor(ledger: PurgeLedger, store: ObjectStore, zones: ZoneTable) {
    this.#ledger = ledger;
    this.#store = store;
    this.#zones = zones;
  }

  /** How many objects went. A URL that cannot be a key here cannot have been stored here. */
  purgeUrls(urls: readonly string[]): number {
    let objects = 0;
    for (const url of urls) {
      const keys = this.#zones.keysOf(url);
      if (keys === undefined) return objects + this.purgeAll();
      for (const key of keys) {
        this.#ledger.purge(key);
        objects += this.#store.purge(key);
      }
    }
    return objects;
  }

  purgeAll(): number {
    this.#ledger.purgeAll();
    return this.#store.purgeAll();
  }
}
