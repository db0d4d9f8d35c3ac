import { readUint32, uint32Payload } from './uint32.codec.ts';

/** Abort Message (RTMP 1.0 section 5.4.2): the chunk stream whose unfinished message is to be forgotten. */
export function encodeAbort(chunkStreamId: number): Uint8Array {
  return uint32Payload(chunkStreamId);
}

export function decodeAbort(payload: Uint8Array): number {
  return readUint32(payload, 0, 'Abort');
}
