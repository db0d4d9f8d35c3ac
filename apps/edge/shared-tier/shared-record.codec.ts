import { decodeRecord, encodeRecord, recordBytes, type Checksum } from '#core/edge-store';
import { fieldValue, type StoredResponse } from '#core/http-cache';
import { z } from 'zod';

/**
 * What stands under a name in the shared tier: a record as on the disk of an edge (lengths, a checksum of the head, a checksum of
 * the body), whose head is JSON. Whoever reads it knows nothing about who wrote it: what is not whole, not of this version, or
 * not about what was asked for is nothing.
 */
export const sharedVersion = 1;

const millis = z.number().int().min(-1e13).max(1e13);
const text = z.string().max(65_536);
const names = z.array(z.string().min(1).max(256)).max(64);

const objectHead = z.object({
  version: z.literal(sharedVersion),
  kind: z.literal('object'),
  key: text,
  /** By the clock of the server, when it was written or a moment before, ms. */
  writtenAtMs: z.number().int().min(0).max(1e14),
  /** How far the one who wrote it had read each partition of the purges when the origin was asked for it. */
  positions: z.array(z.string().regex(/^\d{1,20}$/)).max(1024),
  status: z.number().int().min(200).max(599),
  fields: z.array(z.tuple([z.string().max(1024), text])).max(1000),
  names,
  values: z.array(text.nullable()).max(64),
  /** From the moment of the writing, ms; of the past, negative. */
  bornIn: millis,
  validatedIn: millis,
  freshFor: millis,
  staleWhileRevalidateFor: millis,
  staleIfErrorFor: millis,
  mayBeStale: z.boolean(),
});

const variantsHead = z.object({
  version: z.literal(sharedVersion),
  kind: z.literal('variants'),
  key: text,
  names,
  /** Part of the names of its variants: those of an earlier set are not found by it. */
  set: z.string().min(1).max(64),
});

const head = z.discriminatedUnion('kind', [objectHead, variantsHead]);

export type ObjectHead = z.infer<typeof objectHead>;
/** What stands where a response varies: by which request fields. */
export type VariantsHead = z.infer<typeof variantsHead>;

export interface SharedRecord {
  readonly head: ObjectHead | VariantsHead;
  readonly body: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const nothing = new Uint8Array(0);

export function encodeShared(about: ObjectHead | VariantsHead, body: Uint8Array | undefined, checksum: Checksum): Buffer {
  const parts = { head: encoder.encode(JSON.stringify(about)), body: body ?? nothing };
  const bytes = Buffer.allocUnsafe(recordBytes(parts));
  encodeRecord(parts, bytes, 0, checksum);
  return bytes;
}

/** Undefined for anything else than a whole record of this version. */
export function decodeShared(bytes: Uint8Array, checksum: Checksum): SharedRecord | undefined {
  const record = decodeRecord(bytes, checksum);
  if (record === undefined) return undefined;
  try {
    const parsed = head.safeParse(JSON.parse(decoder.decode(record.head)));
    return parsed.success ? { head: parsed.data, body: record.body } : undefined;
  } catch {
    return undefined;
  }
}

export interface WrittenObject {
  readonly key: string;
  readonly response: StoredResponse;
  readonly positions: readonly bigint[];
}

/** @param nowMs of this edge, at `writtenAtMs` of the server */
export function objectHeadOf({ key, positions, response }: WrittenObject, nowMs: number, writtenAtMs: number): ObjectHead {
  const { fields, freshness, status, variant } = response;
  const from = (atMs: number): number => Math.round(atMs - nowMs);
  return {
    ...{ version: sharedVersion, kind: 'object', key, status, writtenAtMs: Math.floor(writtenAtMs) },
    positions: positions.map(String),
    fields: fields.map(([name, value]) => [name, value]),
    names: [...variant.names],
    values: variant.values.map((value) => value ?? null),
    bornIn: from(freshness.bornAtMs),
    validatedIn: from(freshness.validatedAtMs),
    freshFor: from(freshness.freshUntilMs),
    staleWhileRevalidateFor: from(freshness.staleWhileRevalidateUntilMs),
    staleIfErrorFor: from(freshness.staleIfErrorUntilMs),
    mayBeStale: freshness.mayBeStale,
  };
}

/** @param writtenMs when it was written, by the clock of this edge: as early as that may have been, so that it never gets fresher on the way */
export function responseOfHead(about: ObjectHead, writtenMs: number): StoredResponse {
  const fields = about.fields.map(([name, value]) => [name, value] as const);
  return {
    status: about.status,
    fields,
    validators: { etag: fieldValue(fields, 'etag'), lastModified: fieldValue(fields, 'last-modified') },
    variant: { names: about.names, values: about.names.map((_name, at) => about.values[at] ?? undefined) },
    freshness: {
      bornAtMs: writtenMs + about.bornIn,
      validatedAtMs: writtenMs + about.validatedIn,
      freshUntilMs: writtenMs + about.freshFor,
      staleWhileRevalidateUntilMs: writtenMs + about.staleWhileRevalidateFor,
      staleIfErrorUntilMs: writtenMs + about.staleIfErrorFor,
      mayBeStale: about.mayBeStale,
    },
  };
}
