import type { StoredResponse } from '#core/http-cache';
import type { CachedObject } from '../cache/cached-object.ts';

/** What of an object is written in front of its body. */
export interface RecordHead {
  readonly key: string;
  readonly generation: number;
  readonly labels: readonly number[];
  readonly response: StoredResponse;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeHead({ generation, key, labels, response }: CachedObject): Uint8Array {
  return encoder.encode(JSON.stringify({ key, generation, labels, response } satisfies RecordHead));
}

/** Only for bytes whose checksum is right: what we wrote ourselves. A value that was undefined has become null or is gone. */
export function decodeHead(bytes: Uint8Array): RecordHead {
  const { generation, key, labels, response } = JSON.parse(decoder.decode(bytes)) as RecordHead;
  const { names, values } = response.variant;
  const { etag, lastModified } = response.validators;
  return {
    key,
    generation,
    labels,
    response: { ...response, validators: { etag, lastModified }, variant: { names, values: values.map((value) => value ?? undefined) } },
  };
}
