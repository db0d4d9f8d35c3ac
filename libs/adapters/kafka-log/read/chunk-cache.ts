import type { Chunk } from './chunk.ts';

const bytesMax = 33_554_432;
const perPartitionMax = 4;

/** Chunks that readers have not used up, or that several readers of one partition need. */
export class ChunkCache {
  /** Of each partition, the newest first. The map's order is that of the last additions. */
  readonly #chunks = new Map<string, Chunk[]>();
  #bytes = 0;

  /** A chunk that holds what follows the offset. */
  find(topic: string, partition: number, from: bigint): Chunk | undefined {
    return this.#chunks.get(`${topic}/${partition}`)?.find((chunk) => chunk.from <= from && from < chunk.next);
  }

  add(topic: string, partition: number, chunk: Chunk): void {
    const name = `${topic}/${partition}`;
    const chunks = this.#chunks.get(name) ?? [];
    this.#chunks.delete(name);
    this.#chunks.set(name, chunks);
    chunks.unshift(chunk);
    this.#bytes += chunk.bytes;
    while (chunks.length > perPartitionMax) this.#bytes -= chunks.pop()?.bytes ?? 0;
    for (const oldest of this.#chunks.keys()) {
      if (this.#bytes <= bytesMax || oldest === name) break;
      this.#drop(oldest);
    }
  }

  /** Forgets a partition, whose records were truncated. */
  clear(topic: string, partition: number): void {
    this.#drop(`${topic}/${partition}`);
  }

  #drop(name: string): void {
    for (const chunk of this.#chunks.get(name) ?? []) this.#bytes -= chunk.bytes;
    this.#chunks.delete(name);
  }
}
