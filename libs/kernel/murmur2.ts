/**
 * Murmur2 exactly as Kafka's Java client computes it (org.apache.kafka.common.utils.Utils.murmur2),
 * so that a key lands on the same partition on every engine and with every client.
 */
export function murmur2(data: Uint8Array, length: number = data.length): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  const blocks = length >> 2;
  for (let i = 0; i < blocks; i++) {
    const at = i << 2;
    let k = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16) | ((data[at + 3] as number) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const tail = blocks << 2;
  const rest = length & 3;
  if (rest >= 3) h ^= (data[tail + 2] as number) << 16;
  if (rest >= 2) h ^= (data[tail + 1] as number) << 8;
  if (rest >= 1) {
    h ^= data[tail] as number;
    h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

const encoder = new TextEncoder();
/** For the bytes of one key, used up at once: an encoder makes an object per key, which costs more than the hash. */
const scratch = new Uint8Array(256);

/** In UTF-8. Nearly all keys are short and ASCII. */
function bytesOf(key: string): Uint8Array {
  if (key.length > scratch.length) return encoder.encode(key);
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code >= 0x80) return encoder.encode(key);
    scratch[at] = code;
  }
  return scratch;
}

/** The partition of a key among `partitions`, as Kafka's default partitioner picks it. */
export function partitionOf(key: string, partitions: number): number {
  const bytes = bytesOf(key);
  return (murmur2(bytes, bytes === scratch ? key.length : bytes.length) & 0x7fffffff) % partitions;
}
