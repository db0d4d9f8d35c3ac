import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readTextFile, writeTextFile } from '../state/atomic-file.ts';

/** A model that the log told of. */
export interface ToldModel {
  /** Empty for the platform’s own. */
  readonly zone: string;
  readonly number: number;
  /** Null where nothing is to be foreseen any more. */
  readonly cid: string | null;
}

const schema = z.object({ version: z.literal(1), zone: z.string(), number: z.number(), cid: z.string().nullable(), bytes: z.base64() });
const name = /^z-[\w.:-]{0,128}\.json$/;

/** Models on the edge's own disk, a file a zone: an edge foresees again as soon as it is started. */
export class ModelFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What cannot be read is left out: the next model comes by the log. */
  async all(): Promise<readonly (ToldModel & { readonly bytes: Uint8Array })[]> {
    const names = await readdir(this.#folder).catch(() => [] as string[]);
    const read = await Promise.all(names.filter((file) => name.test(file)).map(async (file) => this.#read(file)));
    return read.filter((one) => one !== undefined);
  }

  async put({ cid, number, zone }: ToldModel, bytes: Uint8Array): Promise<void> {
    const text = JSON.stringify({ version: 1, zone, number, cid, bytes: Buffer.from(bytes).toString('base64') });
    await writeTextFile(join(this.#folder, fileOf(zone)), text);
  }

  async remove(zone: string): Promise<void> {
    await rm(join(this.#folder, fileOf(zone)), { force: true });
  }

  async #read(file: string): Promise<(ToldModel & { readonly bytes: Uint8Array }) | undefined> {
    try {
      const { bytes, cid, number, zone } = schema.parse(JSON.parse((await readTextFile(join(this.#folder, file))) ?? ''));
      return fileOf(zone) === file ? { zone, number, cid, bytes: Buffer.from(bytes, 'base64') } : undefined;
    } catch {
      return undefined;
    }
  }
}

function fileOf(zone: string): string {
  return `z-${zone}.json`;
}
