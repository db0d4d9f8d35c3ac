import type { Fields, StoredResponse } from '#core/http-cache';

/** How far an edge has read the purges: of which log, and up to where in each partition. */
export interface PurgeMark {
  readonly log: string;
  readonly positions: readonly string[];
}

/** Which of the objects under a key: the values that its variant was chosen by. */
export interface HotObject {
  readonly key: string;
  readonly values: readonly (string | null)[];
  readonly bytes: number;
}

/** An object as one edge gives it to another. Times are relative to the sender's clock: two machines have two. */
export interface PeerObject {
  readonly mark: PurgeMark;
  readonly labels: readonly number[];
  readonly status: number;
  readonly fields: Fields;
  readonly names: readonly string[];
  readonly values: readonly (string | null)[];
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly mayBeStale: boolean;
  /** Ms from now; of the past, negative. */
  readonly bornIn: number;
  readonly validatedIn: number;
  readonly freshFor: number;
  readonly staleWhileRevalidateFor: number;
  readonly staleIfErrorFor: number;
}

const headBytesMax = 256 * 1024;

/** Four bytes of length, so many of JSON, and the body. */
export function encodePeerObject(object: PeerObject, body: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify(object));
  const bytes = new Uint8Array(4 + head.length + body.length);
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, 4);
  bytes.set(body, 4 + head.length);
  return bytes;
}

/** Undefined for what is none. */
export function decodePeerObject(bytes: Uint8Array): { readonly object: PeerObject; readonly body: Uint8Array } | undefined {
  if (bytes.length < 4) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (length > headBytesMax || bytes.length < 4 + length) return undefined;
  try {
    const object = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as PeerObject;
    return { object, body: bytes.slice(4 + length) };
  } catch {
    return undefined;
  }
}

/** @param nowMs of the sender */
export function peerObjectOf(response: StoredResponse, labels: readonly number[], mark: PurgeMark, nowMs: number): PeerObject {
  const { fields, freshness, status, validators, variant } = response;
  return {
    ...{ mark, labels, status, fields, names: variant.names, values: valuesOf(response) },
    ...{ etag: validators.etag ?? null, lastModified: validators.lastModified ?? null, mayBeStale: freshness.mayBeStale },
    bornIn: freshness.bornAtMs - nowMs,
    validatedIn: freshness.validatedAtMs - nowMs,
    freshFor: freshness.freshUntilMs - nowMs,
    staleWhileRevalidateFor: freshness.staleWhileRevalidateUntilMs - nowMs,
    staleIfErrorFor: freshness.staleIfErrorUntilMs - nowMs,
  };
}

/** @param askedAtMs when the receiver asked for it: counted from then it is never fresher than it was at the sender */
export function responseOf(object: PeerObject, askedAtMs: number): StoredResponse {
  return {
    status: object.status,
    fields: object.fields,
    validators: { etag: object.etag ?? undefined, lastModified: object.lastModified ?? undefined },
    variant: { names: object.names, values: object.values.map((value) => value ?? undefined) },
    freshness: {
      bornAtMs: askedAtMs + object.bornIn,
      validatedAtMs: askedAtMs + object.validatedIn,
      freshUntilMs: askedAtMs + object.freshFor,
      staleWhileRevalidateUntilMs: askedAtMs + object.staleWhileRevalidateFor,
      staleIfErrorUntilMs: askedAtMs + object.staleIfErrorFor,
      mayBeStale: object.mayBeStale,
    },
  };
}

export function valuesOf({ variant }: StoredResponse): readonly (string | null)[] {
  return variant.values.map((value) => value ?? null);
}

/** Whether who is at one mark knows every purge that was known at the other: positions of another log tell nothing. */
export function knowsAll(mark: PurgeMark, other: PurgeMark): boolean {
  if (mark.log !== other.log || mark.positions.length !== other.positions.length) return false;
  return mark.positions.every((position, partition) => BigInt(position) >= BigInt(other.positions[partition] as string));
}
