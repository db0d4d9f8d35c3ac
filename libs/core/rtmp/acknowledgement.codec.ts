import { readUint32, uint32Payload } from './uint32.codec.ts';

/** Acknowledgement (RTMP 1.0 section 5.4.3): bytes received so far, modulo 2^32. */
export function encodeAcknowledgement(receivedBytes: number): Uint8Array {
  return uint32Payload(receivedBytes % 0x100000000);
}

export function decodeAcknowledgement(payload: Uint8Array): number {
  return readUint32(payload, 0, 'Acknowledgement');
}
