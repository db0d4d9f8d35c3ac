import type { CachedObject } from './cached-object.ts';

/** The slot of what nobody has asked for yet. */
export const onProbation = -2;

const entriesMax = 10_000;

/**
 * What was fetched before anybody asked for it, in a share of the memory of its own: it drives nothing out that was asked for,
 * and nothing that is asked for drives it out. The oldest goes for the next; the first use takes it out, among the others.
 */
export class Probation {
  readonly bytesMax: number;
  readonly #entries = new Map<CachedObject, number>();
  readonly #onDrop: (object: CachedObject) => void;
  #bytes = 0;
  #reserved = 0;

  /** @param onDrop told of each object that goes unused */
  constructor(bytesMax: number, onDrop: (object: CachedObject) => void) {
    this.bytesMax = bytesMax;
    this.#onDrop = onDrop;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes + this.#reserved;
  }

  objects(): Iterable<CachedObject> {
    return this.#entries.keys();
  }

  /** Room for bytes that are arriving; false when there is too little of it. */
  reserve(bytes: number): boolean {
    if (!this.#makeRoom(bytes)) return false;
    this.#reserved += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
  }

  add(object: CachedObject): boolean {
    const { bytes } = object;
    if (!this.#makeRoom(bytes)) return false;
    this.#entries.set(object, bytes);
    this.#bytes += bytes;
    object.slot = onProbation;
    return true;
  }

  remove(object: CachedObject): void {
    this.#bytes -= this.#entries.get(object) ?? 0;
    this.#entries.delete(object);
  }

  #makeRoom(bytes: number): boolean {
    if (bytes + this.#reserved > this.bytesMax) return false;
    for (const object of this.#entries.keys()) {
      if (this.bytes + bytes <= this.bytesMax && this.#entries.size < entriesMax) break;
      this.remove(object);
      this.#onDrop(object);
    }
    return true;
  }
}
