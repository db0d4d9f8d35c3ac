import { keyOfUrl, type KeyPolicy, type PurgeLedger } from '#core/http-cache';
import type { ObjectStore } from '../cache/object-store.ts';

/** Makes the edge forget. First the ledger, so that no fill under way can put back what the store drops. */
export class Purger {
  readonly #ledger: PurgeLedger;
  readonly #store: ObjectStore;
  readonly #keys: KeyPolicy;

  constructor(ledger: PurgeLedger, store: ObjectStore, keys: KeyPolicy) {
    this.#ledger = ledger;
    this.#store = store;
    this.#keys = keys;
  }

  /** How many objects went. */
  purgeUrls(urls: readonly string[]): number {
    let objects = 0;
    for (const url of urls) {
      const key = keyOfUrl(url, this.#keys);
      // A URL that cannot be a key here cannot have been stored here.
      if (key === undefined) continue;
      this.#ledger.purge(key);
      objects += this.#store.purge(key);
    }
    return objects;
  }

  purgeAll(): number {
    this.#ledger.purgeAll();
    return this.#store.purgeAll();
  }
}
