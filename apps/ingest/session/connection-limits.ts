import type { IngestLimits } from '../ingest.config.ts';

interface AddressCount {
  connections: number;
  unpublished: number;
}

/** What one connection counts for; each of the two is called at most once to effect. */
export interface ConnectionSlot {
  published(): void;
  closed(): void;
}

/** Counts connections, in all and per address, so that nobody takes every place. */
export class ConnectionLimits {
  readonly #limits: IngestLimits;
  readonly #addresses = new Map<string, AddressCount>();
  #connections = 0;
  #unpublished = 0;

  constructor(limits: IngestLimits) {
    this.#limits = limits;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Undefined when there is no room. */
  enter(address: string): ConnectionSlot | undefined {
    const count = this.#addresses.get(address) ?? { connections: 0, unpublished: 0 };
    const { connectionsMax, connectionsPerAddressMax, unpublishedMax, unpublishedPerAddressMax } = this.#limits;
    if (this.#connections >= connectionsMax || this.#unpublished >= unpublishedMax) return undefined;
    if (count.connections >= connectionsPerAddressMax || count.unpublished >= unpublishedPerAddressMax) return undefined;
    this.#addresses.set(address, count);
    this.#move(count, 1, 1);
    return this.#slot(address, count);
  }

  #move(count: AddressCount, connections: number, unpublished: number): void {
    this.#connections += connections;
    this.#unpublished += unpublished;
    count.connections += connections;
    count.unpublished += unpublished;
  }

  #slot(address: string, count: AddressCount): ConnectionSlot {
    let state: 'unpublished' | 'published' | 'closed' = 'unpublished';
    return {
      published: () => {
        if (state !== 'unpublished') return;
        state = 'published';
        this.#move(count, 0, -1);
      },
      closed: () => {
        if (state === 'closed') return;
        this.#move(count, -1, state === 'unpublished' ? -1 : 0);
        state = 'closed';
        if (count.connections === 0) this.#addresses.delete(address);
      },
    };
  }
}
