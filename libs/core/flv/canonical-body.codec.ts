import { encodeEnhanced, enhancedPacket, encodeTrack, isTrack, parseEnhanced, type EnhancedPacket } from './enhanced-header.codec.ts';

/** A track beside the first of its kind: the ladder of an encoder, or another language. */
export interface FurtherTrack extends EnhancedPacket {
  readonly id: number;
}

/** A body as the rest of the platform reads it, and what it told besides. */
export interface CanonicalBody {
  /** Of the first track; undefined for what is no media of it: a command, metadata, further tracks alone. */
  readonly body: Uint8Array | undefined;
  readonly nanoOffset: number;
  readonly further: readonly FurtherTrack[];
  /** Body of a metadata frame: AMF 0, a name and an object. */
  readonly metadata: Uint8Array | undefined;
}

type Kind = 'video' | 'audio';

/** HEVC under the number 12 of the classic header, which Chinese encoders write. */
const classicHevc = 12;
const defaultTrack = 0;
/** Neither a configuration nor frames, in any head. */
const reservedType = 15;

/** True for a body that is canonical as it stands; looks at two bytes. */
export function isCanonicalVideo(first: number): boolean {
  return (first & 0x80) === 0 && (first & 15) !== classicHevc;
}

/** True for a body that is canonical as it stands. */
export function isCanonicalAudio(first: number): boolean {
  return first >> 4 !== 9;
}

/**
 * The first track in one head: H.264 and AAC in the classic one, everything else in the extended one without modifiers. Further
 * tracks stay what they are.
 * @throws FlvError `ENHANCED_HEADER_INVALID`.
 */
export function canonicalBody(body: Uint8Array, kind: Kind): CanonicalBody {
  if (kind === 'video' && ((body[0] as number) & 0x80) === 0) return { body: hevcOf(body), nanoOffset: 0, further: [], metadata: undefined };
  const { frameType, packetType, isMetadata, nanoOffset, tracks } = parseEnhanced(body, kind);
  const track = tracks.find(({ id }) => id === defaultTrack);
  const others = isMetadata ? [] : tracks.filter(({ id }) => id !== defaultTrack);
  const about = { nanoOffset, further: others.map((one) => ({ ...one, frameType, packetType })), metadata: undefined };
  if (track === undefined) return { ...about, body: undefined };
  if (isMetadata) return { ...about, body: undefined, metadata: track.payload };
  return { ...about, body: canonicalOf(kind, { ...track, frameType, packetType }) };
}

/** A packet of any track as if it were that of the first; undefined for what is no media. */
export function canonicalOf(kind: Kind, packet: EnhancedPacket): Uint8Array | undefined {
  const { fourCc, packetType, payload } = packet;
  if (fourCc === 'avc1' && kind === 'video') return classicVideo(packet);
  if (fourCc === 'mp4a' && kind === 'audio') return packetType > 1 ? undefined : prefixed([0xaf, packetType], payload);
  return encodeEnhanced(kind, packet);
}

/** A body of the first track, or of one beside it: which, and the body as if it were of the first. Undefined for what is no media. */
export function trackBodyOf(body: Uint8Array, kind: Kind): { readonly track: number; readonly body: Uint8Array } | undefined {
  if (!isTrack(body, kind)) return { track: defaultTrack, body };
  const { frameType, packetType, tracks } = parseEnhanced(body, kind);
  const [one] = tracks;
  const canonical = one && canonicalOf(kind, { ...one, frameType, packetType });
  return one && canonical && { track: one.id, body: canonical };
}

/** A body as {@link trackBodyOf} reads it: one track a message, in the shape of Enhanced RTMP. */
export function encodeFurther(kind: Kind, { id, ...packet }: FurtherTrack): Uint8Array {
  return encodeTrack(kind, id, packet);
}

function prefixed(head: readonly number[], payload: Uint8Array): Uint8Array {
  const body = new Uint8Array(head.length + payload.length);
  body.set(head);
  body.set(payload, head.length);
  return body;
}

/** `avc1` frames carry their composition time in the payload, as the classic head has it; `codedFramesX` has none. */
function classicVideo({ frameType, packetType, payload }: EnhancedPacket): Uint8Array | undefined {
  const first = (frameType << 4) | 7;
  if (packetType === enhancedPacket.codedFrames) return prefixed([first, 1], payload);
  if (packetType === enhancedPacket.codedFramesX) return prefixed([first, 1, 0, 0, 0], payload);
  return packetType > 2 ? undefined : prefixed([first, packetType, 0, 0, 0], payload);
}

function hevcOf(body: Uint8Array): Uint8Array {
  const type = body[1] ?? 3;
  // Only the first three mean the same in both heads.
  const packetType = type > 2 ? reservedType : type;
  const payload = packetType === enhancedPacket.codedFrames ? body.subarray(2) : body.subarray(5);
  return encodeEnhanced('video', { frameType: ((body[0] as number) >> 4) & 7, packetType, fourCc: 'hvc1', payload });
}
