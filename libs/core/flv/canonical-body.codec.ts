import { encodeEnhanced, enhancedPacket, parseEnhanced } from './enhanced-header.codec.ts';

/** A body as the rest of the platform reads it, and what it told besides. */
export interface CanonicalBody {
  /** Undefined for what is no media of the track that is taken: a command, metadata, another track. */
  readonly body: Uint8Array | undefined;
  readonly nanoOffset: number;
  /** Tracks that were left out: the ladder of an encoder, or further languages. */
  readonly otherTracks: readonly number[];
  /** Body of a metadata frame: AMF 0, a name and an object. */
  readonly metadata: Uint8Array | undefined;
}

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
 * One track in one head: H.264 and AAC in the classic one, everything else in the extended one without modifiers.
 * @throws FlvError `ENHANCED_HEADER_INVALID`.
 */
export function canonicalBody(body: Uint8Array, kind: 'video' | 'audio'): CanonicalBody {
  if (kind === 'video' && ((body[0] as number) & 0x80) === 0) return whole(hevcOf(body));
  const parsed = parseEnhanced(body, kind);
  const { frameType, packetType, nanoOffset, tracks } = parsed;
  const track = tracks.find(({ id }) => id === defaultTrack);
  const otherTracks = tracks.filter(({ id }) => id !== defaultTrack).map(({ id }) => id);
  const about = { nanoOffset, otherTracks, metadata: undefined };
  if (track === undefined) return { ...about, body: undefined };
  if (parsed.isMetadata) return { ...about, body: undefined, metadata: track.payload };
  const packet = { frameType, packetType, fourCc: track.fourCc, payload: track.payload };
  if (track.fourCc === 'avc1' && kind === 'video') return { ...about, body: classicVideo(packet) };
  if (track.fourCc === 'mp4a' && kind === 'audio') return { ...about, body: packetType > 1 ? undefined : prefixed([0xaf, packetType], track.payload) };
  return { ...about, body: encodeEnhanced(kind, packet) };
}

function whole(body: Uint8Array): CanonicalBody {
  return { body, nanoOffset: 0, otherTracks: [], metadata: undefined };
}

function prefixed(head: readonly number[], payload: Uint8Array): Uint8Array {
  const body = new Uint8Array(head.length + payload.length);
  body.set(head);
  body.set(payload, head.length);
  return body;
}

/** `avc1` frames carry their composition time in the payload, as the classic head has it; `codedFramesX` has none. */
function classicVideo({ frameType, packetType, payload }: { frameType: number; packetType: number; payload: Uint8Array }): Uint8Array | undefined {
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
