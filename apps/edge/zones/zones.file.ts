import { purgePolicies, type PurgePolicy } from '#events';
import { z } from 'zod';
import { readTextFile, writeTextFile } from '../state/atomic-file.ts';
import type { Stands } from '../fleet/standing-book.ts';
import type { ZoneVersion } from './zone-plan.ts';

const offset = z.string().regex(/^\d{1,19}$/);

/** The configuration is looked at by whoever applies it: what a newer edge wrote must not make an older one forget all the rest. */
const schema = z.object({
  version: z.literal(1),
  log: z.string(),
  next: z.array(offset),
  zones: z.array(
    z.object({
      id: z.string(),
      tenant: z.string(),
      version: z.number(),
      epoch: z.number(),
      configuration: z.unknown(),
      shieldUrl: z.string().nullable(),
    }),
  ),
  policies: z.array(z.object({ tenant: z.string(), policy: z.enum(purgePolicies) })).default([]),
  /** Absent in files of before edges could be drained. */
  standings: z.array(z.tuple([z.string(), z.object({ standing: z.enum(['serving', 'draining', 'removed']), reason: z.string() })])).optional(),
});

export interface StoredZones {
  /** The log that they are of, by its `identity()`. */
  readonly log: string;
  /** Where to read on, by partition. */
  readonly next: readonly bigint[];
  /** What tenants prefer while purges are unknown. */
  readonly policies: ReadonlyArray<{ readonly tenant: string; readonly policy: PurgePolicy }>;
  readonly zones: readonly (Omit<ZoneVersion, 'configuration'> & { readonly configuration: unknown })[];
  /** What operators decided about this edge. */
  readonly standings: ReadonlyArray<readonly [string, Stands]>;
}

/** The zones as an edge last knew them, on its own disk: it starts from here and not from the beginning of the log. */
export class ZonesFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when there is none, or none that makes sense: the log has it all. */
  async load(partitions: number): Promise<StoredZones | undefined> {
    const text = await readTextFile(this.#path);
    if (text === undefined) return undefined;
    try {
      const { log, next, policies, standings, zones } = schema.parse(JSON.parse(text));
      if (next.length !== partitions) return undefined;
      // What was written without looking at edges is read again.
      return { log, next: next.map((at) => (standings === undefined ? 0n : BigInt(at))), zones, policies, standings: standings ?? [] };
    } catch {
      return undefined;
    }
  }

  async save({ log, next, policies, standings, zones }: StoredZones): Promise<void> {
    await writeTextFile(this.#path, `${JSON.stringify({ version: 1, log, next: next.map(String), zones, policies, standings })}\n`);
  }
}
