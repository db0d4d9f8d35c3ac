import { readUint32, uint32Payload } from './uint32.codec.ts';

/** Window Acknowledgement Size (RTMP 1.0 section 5.4.4): the peer wants an acknowledgement for each window of bytes. */
export function encodeWindowAcknowledgementSize(bytes: number): Uint8Array {
  return uint32Payload(bytes);
}

export function decodeWindowAcknowledgementSize(payload: Uint8Array): number {
  return readUint32(payload, 0, 'Window Acknowledgement Size');
}
