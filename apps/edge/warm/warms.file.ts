import type { Position } from '#ports';
import { z } from 'zod';
import { readTextFile, writeTextFile } from '../state/atomic-file.ts';

const schema = z.object({
  version: z.literal(1),
  log: z.string(),
  places: z.array(z.tuple([z.number().int().min(0), z.string().regex(/^\d{1,19}$/)])),
});

/** The warmings that an edge has begun and not finished, on its own disk: what they ask for is on the log. */
export class WarmsFile {
  readonly #path: string;
  #wanted: { readonly log: string; readonly places: readonly Position[] } | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** None where there is no file, none that makes sense, or one of another log: nothing depends on a warming. */
  async load(log: string): Promise<readonly Position[]> {
    try {
      const text = await readTextFile(this.#path);
      const stored = text === undefined ? undefined : schema.parse(JSON.parse(text));
      return stored?.log === log ? stored.places.map(([partition, offset]) => ({ partition, offset: BigInt(offset) })) : [];
    } catch {
      return [];
    }
  }

  /** Writes the newest; calls that come meanwhile are written together by the next write. @throws OperatingError `STATE_UNWRITABLE` */
  save(log: string, places: readonly Position[]): Promise<void> {
    this.#wanted = { log, places: [...places] };
    this.#writing ??= this.#drain().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#wanted !== undefined) {
      const { log, places } = this.#wanted;
      this.#wanted = undefined;
      const text = JSON.stringify({ version: 1, log, places: places.map(({ offset, partition }) => [partition, String(offset)]) });
      await writeTextFile(this.#path, `${text}\n`);
    }
  }
}
