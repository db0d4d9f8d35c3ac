import { RtmpError } from './errors.ts';
import { readUint32, uint32Payload } from './uint32.codec.ts';

/** User Control events (RTMP 1.0 section 7.1.7) and the number of 32-bit values that each carries. */
const events = {
  'stream-begin': { id: 0, values: 1 },
  'stream-eof': { id: 1, values: 1 },
  'stream-dry': { id: 2, values: 1 },
  'set-buffer-length': { id: 3, values: 2 },
  'stream-is-recorded': { id: 4, values: 1 },
  'ping-request': { id: 6, values: 1 },
  'ping-response': { id: 7, values: 1 },
} as const;

export interface UserControl {
  /** `other` for the events of single vendors, which are passed over. */
  readonly event: keyof typeof events | 'other';
  /** Stream id, timestamp, or stream id and milliseconds, as the event has it. */
  readonly values: readonly number[];
}

export function encodeUserControl(event: keyof typeof events, ...values: readonly number[]): Uint8Array {
  const payload = new Uint8Array(2 + 4 * values.length);
  payload[1] = events[event].id;
  values.forEach((value, i) => payload.set(uint32Payload(value), 2 + 4 * i));
  return payload;
}

export function decodeUserControl(payload: Uint8Array): UserControl {
  if (payload.length < 2) throw new RtmpError('RTMP_MESSAGE_INVALID', 'A User Control message has no event type.');
  const id = ((payload[0] as number) << 8) | (payload[1] as number);
  for (const [event, shape] of Object.entries(events)) {
    if (shape.id !== id) continue;
    const values = Array.from({ length: shape.values }, (_, i) => readUint32(payload, 2 + 4 * i, 'User Control'));
    return { event: event as keyof typeof events, values };
  }
  return { event: 'other', values: [] };
}
