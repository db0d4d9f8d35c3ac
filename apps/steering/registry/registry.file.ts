import type { RegisteredEdge } from '#domain/edge';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

/** What is known of the edges, and since when. */
export interface KnownRegistry {
  readonly edges: readonly RegisteredEdge[];
  /** 0 for never. */
  readonly readAtMs: number;
}

const place = z.object({ latitude: z.number(), longitude: z.number() }).nullable();
const edge = z.looseObject({
  edgeId: z.string(),
  origin: z.string(),
  state: z.enum(['up', 'draining', 'silent', 'announced', 'removed', 'refused']),
  node: z.string(),
  region: z.string().nullable(),
  url: z.string().nullable(),
  urls: z.array(z.string()),
  addresses: z.array(z.string()),
  location: place,
});
const schema = z.object({ version: z.literal(1), readAtMs: z.number(), edges: z.array(edge) });

/** What was last known of edges, on the disk. */
export class RegistryFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when there is none, or none that makes sense. */
  async load(): Promise<KnownRegistry | undefined> {
    try {
      const { edges, readAtMs } = schema.parse(JSON.parse(await readFile(this.#path, 'utf8')));
      return { edges: edges as unknown as readonly RegisteredEdge[], readAtMs };
    } catch {
      return undefined;
    }
  }

  /** Whole or not at all. */
  async save({ edges, readAtMs }: KnownRegistry): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const next = `${this.#path}.next`;
    const file = await open(next, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ version: 1, readAtMs, edges })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, this.#path);
  }
}
