import type { AmfObject, AmfValue } from '#core/flv';

/** CapsExMask, Enhanced RTMP v2, "Enhancing NetConnection connect Command". */
const capsEx = { reconnect: 1, multitrack: 2, modEx: 4, timestampNanoOffset: 8 } as const;
/** FourCcInfoMask: we decode (to make the ladder) and hand on. */
const canDecodeAndForward = 5;

/** What publishers may send in the extended heads. */
export const videoFourCcs = ['avc1', 'hvc1', 'av01', 'vp09'] as const;
export const audioFourCcs = ['mp4a', 'Opus', '.mp3', 'fLaC'] as const;

/** What a client says about itself in `connect`, beyond RTMP 1.0. */
export interface ClientCapabilities {
  /** It knows of Enhanced RTMP at all. */
  readonly isEnhanced: boolean;
  /** It reconnects when it is asked to. */
  readonly canReconnect: boolean;
  readonly objectEncoding: 0 | 3;
}

const enhancedProperties = ['fourCcList', 'videoFourCcInfoMap', 'audioFourCcInfoMap', 'capsEx'] as const;

/** Encoders write what they like here, so nothing is refused: what is no number means nothing. */
export function capabilitiesOf(connect: AmfObject | null): ClientCapabilities {
  const flags = connect?.['capsEx'];
  return {
    isEnhanced: enhancedProperties.some((name) => connect?.[name] !== undefined && connect[name] !== null),
    canReconnect: typeof flags === 'number' && (flags & capsEx.reconnect) !== 0,
    objectEncoding: connect?.['objectEncoding'] === 3 ? 3 : 0,
  };
}

/** What the server says about itself to a client that would understand. */
export const serverCapabilities: Readonly<Record<string, AmfValue>> = {
  fourCcList: [...videoFourCcs, ...audioFourCcs],
  videoFourCcInfoMap: Object.fromEntries(videoFourCcs.map((name) => [name, canDecodeAndForward])),
  audioFourCcInfoMap: Object.fromEntries(audioFourCcs.map((name) => [name, canDecodeAndForward])),
  capsEx: capsEx.reconnect | capsEx.multitrack | capsEx.modEx | capsEx.timestampNanoOffset,
};
