import { z } from 'zod';
import { readTextFile, writeTextFile } from './atomic-file.ts';

const schema = z.object({
  version: z.literal(1),
  topic: z.string(),
  log: z.string().optional(),
  store: z.string().optional(),
  next: z.array(z.string().regex(/^\d{1,19}$/)),
});

export interface StoredOffsets {
  /** The log that they are of, by its `identity()`; files of older versions do not say. */
  readonly log: string | undefined;
  /** The disk store from which everything up to there was purged, by its name; undefined for none. */
  readonly store?: string | undefined;
  /** Where to read on, by partition. */
  readonly next: readonly bigint[];
}

/** Where an edge reads on in each partition of a topic, kept on its own disk. */
export class OffsetsFile {
  readonly #path: string;
  readonly #topic: string;
  #wanted: StoredOffsets | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, topic: string) {
    this.#path = path;
    this.#topic = topic;
  }

  /** Undefined when there is none; `damaged` when nobody can tell what was read. */
  async load(partitions: number): Promise<StoredOffsets | 'damaged' | undefined> {
    const text = await readTextFile(this.#path);
    if (text === undefined) return undefined;
    try {
      const stored = schema.parse(JSON.parse(text));
      if (stored.topic === this.#topic && stored.next.length === partitions) return { log: stored.log, store: stored.store, next: stored.next.map(BigInt) };
    } catch {
      // Said by the return value.
    }
    return 'damaged';
  }

  /** Writes the newest offsets; calls that come meanwhile are written together by the next write. */
  save({ log, next, store }: StoredOffsets): Promise<void> {
    this.#wanted = { log, store, next: [...next] };
    this.#writing ??= this.#drain().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#wanted !== undefined) {
      const { log, next, store } = this.#wanted;
      this.#wanted = undefined;
      await writeTextFile(this.#path, `${JSON.stringify({ version: 1, topic: this.#topic, log, store, next: next.map(String) })}\n`);
    }
  }
}
