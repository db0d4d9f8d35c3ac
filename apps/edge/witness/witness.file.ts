import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { parseCheckpoint, type TreeHead } from '#core/ledger';
import { OperatingError } from '#kernel';
import { readTextFile, writeTextFile } from '../state/atomic-file.ts';

const schema = z.object({ version: z.literal(1), checkpoints: z.record(z.string(), z.string()) });

/** What a witness cosigned last of a tree: the head, and the note with its cosignature. */
export interface Cosigned extends TreeHead {
  readonly note: string;
}

function damaged(path: string, cause: unknown): OperatingError {
  return new OperatingError(
    `The file ${path} is damaged: it says what this witness has seen, and it must not forget that. Restore it; or remove the whole folder, and the witness begins anew under another key.`,
    { code: 'STATE_DAMAGED', retryable: false, cause },
  );
}

/** What a witness has seen of each tree, on its own disk. */
export class WitnessFile {
  readonly #path: string;
  readonly #seen: Map<string, Cosigned>;
  #dirty = false;
  #writing: Promise<void> | undefined;

  private constructor(path: string, seen: Map<string, Cosigned>) {
    this.#path = path;
    this.#seen = seen;
  }

  /** @throws OperatingError `STATE_DAMAGED` */
  static async open(path: string): Promise<WitnessFile> {
    const text = await readTextFile(path);
    if (text === undefined) return new WitnessFile(path, new Map());
    try {
      const { checkpoints } = schema.parse(JSON.parse(text));
      return new WitnessFile(path, new Map(Object.entries(checkpoints).map(([origin, note]) => [origin, cosigned(note)])));
    } catch (cause) {
      throw damaged(path, cause);
    }
  }

  last(origin: string): Cosigned | undefined {
    return this.#seen.get(origin);
  }

  get origins(): readonly string[] {
    return [...this.#seen.keys()];
  }

  /** Resolves when it is on disk; many that come at once share a write. @throws OperatingError `STATE_UNWRITABLE` */
  async keep(origin: string, note: string): Promise<void> {
    const before = this.#seen.get(origin);
    this.#seen.set(origin, cosigned(note));
    this.#dirty = true;
    try {
      // One that is under way may have been begun before this.
      if (this.#writing !== undefined) await this.#writing;
      await this.#write();
    } catch (error) {
      if (before === undefined) this.#seen.delete(origin);
      else this.#seen.set(origin, before);
      throw error;
    }
  }

  #write(): Promise<void> {
    if (!this.#dirty) return this.#writing ?? Promise.resolve();
    this.#dirty = false;
    const checkpoints = Object.fromEntries([...this.#seen].map(([origin, { note }]) => [origin, note]));
    this.#writing = writeTextFile(this.#path, `${JSON.stringify({ version: 1, checkpoints })}\n`).finally(() => (this.#writing = undefined));
    return this.#writing;
  }
}

function cosigned(note: string): Cosigned {
  const { size, root } = parseCheckpoint(note);
  return { size, root, note };
}

/** The 32 bytes that the key of a witness is made from: made at the first start, the same ever after. */
export async function takeWitnessSeed(path: string): Promise<Uint8Array> {
  const text = await readTextFile(path);
  if (text !== undefined) {
    if (!/^[0-9a-f]{64}\n$/.test(text)) throw damaged(path, undefined);
    return new Uint8Array(Buffer.from(text, 'hex'));
  }
  const seed = randomBytes(32);
  await writeTextFile(path, `${seed.toString('hex')}\n`, 0o600);
  return new Uint8Array(seed);
}
