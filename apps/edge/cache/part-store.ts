import { matchesVariant, type PartialBody, type PurgeLabel, type PurgeLedger, type StoredResponse } from '#core/http-cache';

/** Parts of one representation, under its key. */
export interface StoredParts {
  readonly key: string;
  readonly labels: readonly PurgeLabel[];
  /** The head of the whole, with status 200. */
  readonly response: StoredResponse;
  readonly body: PartialBody;
  /** The purge generation when the origin was first asked for one of them. */
  readonly generation: number;
}

export interface PartStoreInit {
  /** For all parts together, bytes. */
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** Makes room in the memory that everything shares; false when there is none. */
  readonly reserve: (bytes: number) => boolean;
  readonly release: (bytes: number) => void;
  readonly ledger: PurgeLedger;
}

/** What one entry weighs besides its bytes. */
const overheadBytes = 1024;

/** Representations of which only parts are here; the ones least recently used go first. */
export class PartStore {
  readonly #init: PartStoreInit;
  readonly #entries = new Map<string, { readonly parts: StoredParts; readonly bytes: number }>();
  #bytes = 0;

  constructor(init: PartStoreInit) {
    this.#init = init;
  }

  /** Counts as a use. */
  find(key: string, request: { field(name: string): string | undefined }): StoredParts | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || !matchesVariant(entry.parts.response.variant, request) || !this.#isCurrent(entry.parts)) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.parts;
  }

  /** In place of what was under the key; when there is no room, nothing is. */
  put(parts: StoredParts): void {
    this.drop(parts.key);
    const bytes = overheadBytes + parts.body.heldBytes;
    if (bytes > this.#init.bytesMax) return;
    for (const key of this.#entries.keys()) {
      if (this.#bytes + bytes <= this.#init.bytesMax && this.#entries.size < this.#init.entriesMax) break;
      this.drop(key);
    }
    if (!this.#init.reserve(bytes)) return;
    this.#bytes += bytes;
    this.#entries.set(parts.key, { parts, bytes });
  }

  drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.#init.release(entry.bytes);
  }

  /** Frees what was purged. */
  reclaim(): void {
    for (const { parts } of [...this.#entries.values()]) if (!this.#isCurrent(parts)) this.drop(parts.key);
  }

  /** Of what a soft purge hits, parts are no use either. */
  #isCurrent(parts: StoredParts): boolean {
    return this.#init.ledger.isCurrent(parts, parts.generation);
  }
}
