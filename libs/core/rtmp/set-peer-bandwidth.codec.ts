import { RtmpError } from './errors.ts';
import { readUint32, uint32Payload } from './uint32.codec.ts';

const limits = ['hard', 'soft', 'dynamic'] as const;

export interface PeerBandwidth {
  readonly windowBytes: number;
  readonly limit: (typeof limits)[number];
}

/** Set Peer Bandwidth (RTMP 1.0 section 5.4.5). */
export function encodeSetPeerBandwidth(bandwidth: PeerBandwidth): Uint8Array {
  const payload = new Uint8Array(5);
  payload.set(uint32Payload(bandwidth.windowBytes));
  payload[4] = limits.indexOf(bandwidth.limit);
  return payload;
}

export function decodeSetPeerBandwidth(payload: Uint8Array): PeerBandwidth {
  const windowBytes = readUint32(payload, 0, 'Set Peer Bandwidth');
  const limit = limits[payload[4] ?? -1];
  if (limit === undefined) throw new RtmpError('RTMP_MESSAGE_INVALID', `Set Peer Bandwidth has no limit type ${payload[4]}.`);
  return { windowBytes, limit };
}
