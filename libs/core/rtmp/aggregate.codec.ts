import { RtmpError } from './errors.ts';

/** Of an FLV tag: type, data size, timestamp with its upper byte behind, stream id. */
const headerBytes = 11;
/** Of the size that stands behind each, and that nobody needs. */
const backPointerBytes = 4;

export interface AggregatedMessage {
  readonly type: number;
  /** Milliseconds modulo 2^32, as the peer counts. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/**
 * The messages of an aggregate message, in order (RTMP 1.0 section 7.1.6). Their times count from that of the first one,
 * which is the time of the aggregate. Payloads are views.
 * @param timestamp of the aggregate, ms
 * @throws RtmpError `RTMP_MESSAGE_INVALID` at one that ends behind its aggregate.
 */
export function* decodeAggregate(aggregate: Uint8Array, timestamp: number): Iterable<AggregatedMessage> {
  const view = new DataView(aggregate.buffer, aggregate.byteOffset, aggregate.byteLength);
  let first: number | undefined;
  for (let at = 0; at < aggregate.length;) {
    const body = at + headerBytes;
    const end = body > aggregate.length ? Infinity : body + (view.getUint32(at) & 0xffffff);
    if (end > aggregate.length) throw new RtmpError('RTMP_MESSAGE_INVALID', `A message of an aggregate ends behind it, at byte ${at}.`);
    const time = ((view.getUint32(at + 4) >>> 8) | (view.getUint8(at + 7) << 24)) >>> 0;
    first ??= time;
    yield { type: view.getUint8(at), timestamp: (timestamp + time - first) >>> 0, payload: aggregate.subarray(body, end) };
    at = end + backPointerBytes;
  }
}
