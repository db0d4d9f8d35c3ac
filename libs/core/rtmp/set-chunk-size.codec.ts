import { readUint32, uint32Payload } from './uint32.codec.ts';
import { RtmpError } from './errors.ts';

/** Set Chunk Size (RTMP 1.0 section 5.4.1): one zero bit, then 31 bits, at least 1. */
export function encodeSetChunkSize(bytes: number): Uint8Array {
  return uint32Payload(bytes & 0x7fffffff);
}

export function decodeSetChunkSize(payload: Uint8Array): number {
  const size = readUint32(payload, 0, 'Set Chunk Size');
  if (size < 1 || size > 0x7fffffff) throw new RtmpError('RTMP_MESSAGE_INVALID', `A chunk size of ${size} cannot be.`);
  return size;
}
