import { FlvError } from './errors.ts';

/**
 * The extended heads of audio and video bodies, Enhanced RTMP v2, "Enhanced Audio" and "Enhanced Video". Packet types 0 to 2
 * are the same for both kinds.
 */
export const enhancedPacket = { sequenceStart: 0, codedFrames: 1, sequenceEnd: 2, codedFramesX: 3 } as const;

const videoTypes = { metadata: 4, mpeg2TsSequenceStart: 5, multitrack: 6, modEx: 7, last: 7 } as const;
const audioTypes = { metadata: -1, multichannelConfig: 4, multitrack: 5, modEx: 7, last: 7 } as const;
const multitrackTypes = { oneTrack: 0, manyTracks: 1, manyTracksManyCodecs: 2 } as const;
const timestampOffsetNano = 0;
/** VideoFrameType.Command: a seek of the sender's, without a picture. */
const commandFrame = 5;
const nanosPerMs = 1_000_000;
/** Of `OneTrack`: two bytes of types, the FourCC, the number of the track. */
const trackHeadBytes = 7;

/** More than any ladder has: a message with more is broken, or an attack. */
export const tracksMax = 16;

export interface EnhancedTrack {
  readonly id: number;
  /** Such as `hvc1` or `Opus`. */
  readonly fourCc: string;
  /** What follows the head, up to the end of the track; the composition time of coded frames included. */
  readonly payload: Uint8Array;
}

export interface EnhancedBody {
  /** 1 for a key frame, 2 for one that depends on others; 0 for audio. */
  readonly frameType: number;
  /** One of `enhancedPacket`, or what is known of the others. */
  readonly packetType: number;
  readonly isMetadata: boolean;
  readonly isMultitrack: boolean;
  /** To be added to the message's timestamp, nanoseconds, below a millisecond. */
  readonly nanoOffset: number;
  /** None for a command. */
  readonly tracks: readonly EnhancedTrack[];
}

class Cursor {
  readonly bytes: Uint8Array;
  at = 1;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw new FlvError('ENHANCED_HEADER_INVALID', `An extended head ends after its message, at byte ${this.at}.`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  uint(count: number): number {
    return this.take(count).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  fourCc(): string {
    return String.fromCharCode(...this.take(4)).replace(/[^\x20-\x7e]/g, '?');
  }
}

/**
 * Reads a body whose first byte says that it is extended: bit 7 of video, format 9 of audio.
 * @throws FlvError `ENHANCED_HEADER_INVALID` for what does not fit together, and for more than `tracksMax` tracks.
 */
export function parseEnhanced(body: Uint8Array, kind: 'video' | 'audio'): EnhancedBody {
  const cursor = new Cursor(body);
  const types = kind === 'video' ? videoTypes : audioTypes;
  const first = body[0] ?? 0;
  const frameType = kind === 'video' ? (first >> 4) & 7 : 0;
  const head = readModifiers(cursor, first & 15, types.modEx);
  let { packetType } = head;
  if (packetType > types.last) throw new FlvError('ENHANCED_HEADER_INVALID', `The packet type ${packetType} is reserved.`);
  const common = { frameType, nanoOffset: head.nanoOffset };
  if (frameType === commandFrame && packetType !== types.metadata) return { ...common, packetType, isMetadata: false, isMultitrack: false, tracks: [] };
  const isMultitrack = packetType === types.multitrack;
  let tracks: readonly EnhancedTrack[];
  if (isMultitrack) {
    const both = cursor.uint(1);
    packetType = both & 15;
    if (packetType === types.multitrack || packetType === types.modEx) throw new FlvError('ENHANCED_HEADER_INVALID', 'Tracks within tracks cannot be.');
    tracks = readTracks(cursor, both >> 4);
  } else {
    tracks = [{ id: 0, fourCc: cursor.fourCc(), payload: cursor.take(cursor.left) }];
  }
  return { ...common, packetType, isMetadata: packetType === types.metadata, isMultitrack, tracks };
}

/** ModEx: each modifier has data, its type, and the packet type that follows it. Each takes bytes, so there is an end. */
function readModifiers(cursor: Cursor, first: number, modEx: number): { packetType: number; nanoOffset: number } {
  let packetType = first;
  let nanoOffset = 0;
  while (packetType === modEx) {
    let size = cursor.uint(1) + 1;
    if (size === 256) size = cursor.uint(2) + 1;
    const data = cursor.take(size);
    const both = cursor.uint(1);
    if (both >> 4 === timestampOffsetNano) {
      nanoOffset = ((data[0] ?? 0) << 16) | ((data[1] ?? 0) << 8) | (data[2] ?? 0);
      if (size < 3 || nanoOffset >= nanosPerMs)
        throw new FlvError('ENHANCED_HEADER_INVALID', 'A nanosecond offset has three bytes and is below a millisecond.');
    }
    packetType = both & 15;
  }
  return { packetType, nanoOffset };
}

function readTracks(cursor: Cursor, type: number): readonly EnhancedTrack[] {
  if (type > multitrackTypes.manyTracksManyCodecs) throw new FlvError('ENHANCED_HEADER_INVALID', `The multitrack type ${type} is reserved.`);
  const shared = type === multitrackTypes.manyTracksManyCodecs ? undefined : cursor.fourCc();
  const tracks: EnhancedTrack[] = [];
  do {
    if (tracks.length === tracksMax) throw new FlvError('ENHANCED_HEADER_INVALID', `A message has more than ${tracksMax} tracks.`);
    const fourCc = shared ?? cursor.fourCc();
    const id = cursor.uint(1);
    const size = type === multitrackTypes.oneTrack ? cursor.left : cursor.uint(3);
    tracks.push({ id, fourCc, payload: cursor.take(size) });
  } while (cursor.left > 0);
  return tracks;
}

/** A packet of one track, as it stands behind the heads. */
export interface EnhancedPacket {
  readonly frameType: number;
  readonly packetType: number;
  readonly fourCc: string;
  readonly payload: Uint8Array;
}

/** Writes a body of one track, without modifiers: the shape that parts of the platform hand each other. */
export function encodeEnhanced(kind: 'video' | 'audio', { frameType, packetType, fourCc, payload }: EnhancedPacket): Uint8Array {
  const body = new Uint8Array(5 + payload.length);
  body[0] = firstByte(kind, frameType, packetType);
  putFourCc(body, 1, fourCc);
  body.set(payload, 5);
  return body;
}

/** Writes a body of one track that is not the first: `OneTrack`. */
export function encodeTrack(kind: 'video' | 'audio', id: number, { frameType, packetType, fourCc, payload }: EnhancedPacket): Uint8Array {
  const body = new Uint8Array(trackHeadBytes + payload.length);
  body[0] = firstByte(kind, frameType, kind === 'video' ? videoTypes.multitrack : audioTypes.multitrack);
  body[1] = (multitrackTypes.oneTrack << 4) | packetType;
  putFourCc(body, 2, fourCc);
  body[6] = id;
  body.set(payload, trackHeadBytes);
  return body;
}

/** True for a body of tracks with their numbers; looks at one byte. */
export function isTrack(body: Uint8Array, kind: 'video' | 'audio'): boolean {
  const first = body[0] ?? 0;
  return kind === 'video' ? (first & 0x8f) === (0x80 | videoTypes.multitrack) : first === (0x90 | audioTypes.multitrack);
}

function firstByte(kind: 'video' | 'audio', frameType: number, packetType: number): number {
  return kind === 'video' ? 0x80 | (frameType << 4) | packetType : 0x90 | packetType;
}

function putFourCc(body: Uint8Array, at: number, fourCc: string): void {
  for (let i = 0; i < 4; i++) body[at + i] = fourCc.charCodeAt(i);
}
