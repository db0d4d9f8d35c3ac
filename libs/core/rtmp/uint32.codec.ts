import { RtmpError } from './errors.ts';

/** The payload of the control messages that carry one number. */
export function uint32Payload(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}

/** @throws RtmpError `RTMP_MESSAGE_INVALID` naming the message that is too short. */
export function readUint32(payload: Uint8Array, at: number, name: string): number {
  if (payload.length < at + 4) throw new RtmpError('RTMP_MESSAGE_INVALID', `A ${name} message of ${payload.length} bytes is too short.`);
  return (((payload[at] as number) << 24) | ((payload[at + 1] as number) << 16) | ((payload[at + 2] as number) << 8) | (payload[at + 3] as number)) >>> 0;
}
