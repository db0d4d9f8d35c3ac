/** A hash of 64 bits, in two halves: JavaScript's integers end at 53. */
export interface KeyHash {
  readonly high: number;
  readonly low: number;
}

const { imul } = Math;

/**
 * Two multiplicative hashes side by side, each stirred with the other at the end (cyrb53, bryc). Not proof against an
 * adversary: what is found under a hash is compared with the whole key before it is believed.
 */
export function hashKey(key: string): KeyHash {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    high = imul(high ^ code, 2654435761);
    low = imul(low ^ code, 1597334677);
  }
  high = imul(high ^ (high >>> 16), 2246822507) ^ imul(low ^ (low >>> 13), 3266489909);
  low = imul(low ^ (low >>> 16), 2246822507) ^ imul(high ^ (high >>> 13), 3266489909);
  return { high: high >>> 0, low: low >>> 0 };
}
