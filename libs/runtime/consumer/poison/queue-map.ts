import type { StoredRecord } from '#events';
import { tenantOf, type ParkedQueue } from '#ports';

/** One thing per queue; of a record it is found by its key, which most records do not share with any. */
export class QueueMap<Item> {
  readonly #keys = new Map<string, Map<string | undefined, Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Of the queue in which the record waits. */
  of(record: StoredRecord): Item | undefined {
    const tenants = this.#keys.get(record.key);
    return tenants === undefined ? undefined : (tenants.get(tenantOf(record)) ?? tenants.get(undefined));
  }

  get({ key, tenant }: ParkedQueue): Item | undefined {
    return this.#keys.get(key)?.get(tenant);
  }

  set({ key, tenant }: ParkedQueue, item: Item): void {
    const tenants = this.#keys.get(key) ?? new Map<string | undefined, Item>();
    if (!tenants.has(tenant)) this.#size++;
    this.#keys.set(key, tenants.set(tenant, item));
  }

  delete({ key, tenant }: ParkedQueue): void {
    const tenants = this.#keys.get(key);
    if (tenants?.delete(tenant) !== true) return;
    this.#size--;
    if (tenants.size === 0) this.#keys.delete(key);
  }

  *values(): Generator<Item> {
    for (const tenants of this.#keys.values()) yield* tenants.values();
  }
}
