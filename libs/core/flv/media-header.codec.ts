/**
 * The first bytes of audio and video bodies, the same in FLV tags and RTMP messages
 * (FLV specification 10.1, E.4.2 and E.4.3; Enhanced RTMP v2 for the extended header).
 */

/** AVC, and the only video codec of the classic header that is still in use. */
export const videoCodecAvc = 7;
export const audioCodecAac = 10;

/** The format of audio bodies with an extended head. */
export const extendedAudio = 9;

/** How many bytes of a body `readVideoHeader` and `readAudioHeader` look at. */
export const mediaHeaderBytes = 5;

export type PacketKind = 'sequence-header' | 'frames' | 'end-of-sequence' | 'other';

export interface VideoHeader {
  /** `avc`, a FourCC of Enhanced RTMP such as `hvc1`, or `codec-<id>`. */
  readonly codec: string;
  readonly keyFrame: boolean;
  readonly kind: PacketKind;
}

export interface AudioHeader {
  /** `aac`, a FourCC of Enhanced RTMP such as `Opus`, or the name of a classic codec. */
  readonly codec: string;
  readonly kind: PacketKind;
}

const classicVideo: Readonly<Record<number, string>> = { 2: 'sorenson-h263', 3: 'screen', 4: 'vp6', 5: 'vp6-alpha', 6: 'screen-2', 12: 'hevc' };
const classicAudio: Readonly<Record<number, string>> = {
  0: 'pcm',
  1: 'adpcm',
  2: 'mp3',
  3: 'pcm-le',
  4: 'nellymoser-16k',
  5: 'nellymoser-8k',
  6: 'nellymoser',
  7: 'g711-a',
  8: 'g711-mu',
  11: 'speex',
  14: 'mp3-8k',
};

function kindOf(packetType: number | undefined): PacketKind {
  if (packetType === 0) return 'sequence-header';
  if (packetType === 1) return 'frames';
  return packetType === 2 ? 'end-of-sequence' : 'other';
}

function fourCc(body: Uint8Array, at: number): string {
  return String.fromCharCode(...body.subarray(at, at + 4)).replace(/[^\x20-\x7e]/g, '?');
}

const keyFrameHeaders: readonly VideoHeader[] = [0, 1, 2, 3].map((type) => ({ codec: 'avc', keyFrame: true, kind: kindOf(type) }));
const interFrameHeaders: readonly VideoHeader[] = [0, 1, 2, 3].map((type) => ({ codec: 'avc', keyFrame: false, kind: kindOf(type) }));
const aacHeaders: readonly AudioHeader[] = [0, 1, 2].map((type) => ({ codec: 'aac', kind: kindOf(type) }));

/** True for the usual video body, whose head `avcHeader` knows without looking further. */
export function isAvc(first: number): boolean {
  return (first & 0x8f) === videoCodecAvc;
}

/** The head of an AVC body from its first two bytes; allocates nothing. */
export function avcHeader(first: number, second: number): VideoHeader {
  return ((first & 0xf0) === 0x10 ? keyFrameHeaders : interFrameHeaders)[Math.min(second, 3)] as VideoHeader;
}

/** The head of an audio body from its first two bytes; allocates nothing for AAC. */
export function audioHeader(first: number, second: number): AudioHeader {
  const codec = first >> 4;
  if (codec !== audioCodecAac) return { codec: classicAudio[codec] ?? `codec-${codec}`, kind: 'frames' };
  return aacHeaders[Math.min(second, 1)] as AudioHeader;
}

/** Coded frames whose composition time is zero and left out (`CodedFramesX`). */
const codedFramesX = 3;
/** A message of tracks with their numbers: what is in it, only `trackBodyOf` tells. */
const tracksVideo = 6;
const tracksHeader: VideoHeader = { codec: 'tracks', keyFrame: false, kind: 'other' };

/** Reads the head of a video body. */
export function readVideoHeader(body: Uint8Array): VideoHeader {
  const first = body[0] ?? 0;
  // Enhanced RTMP v2: the top bit says that a packet type and a FourCC follow.
  if ((first & 0x8f) === (0x80 | tracksVideo)) return tracksHeader;
  if ((first & 0x80) !== 0)
    return { codec: fourCc(body, 1), keyFrame: ((first >> 4) & 7) === 1, kind: (first & 0x0f) === codedFramesX ? 'frames' : kindOf(first & 0x0f) };
  if (isAvc(first)) return avcHeader(first, body[1] ?? 3);
  const codec = first & 0x0f;
  return { codec: classicVideo[codec] ?? `codec-${codec}`, keyFrame: first >> 4 === 1, kind: 'frames' };
}

/** Reads the head of an audio body. */
export function readAudioHeader(body: Uint8Array): AudioHeader {
  const first = body[0] ?? 0;
  if (first >> 4 === extendedAudio) return { codec: fourCc(body, 1), kind: kindOf(first & 0x0f) };
  return audioHeader(body[0] ?? 0, body[1] ?? 1);
}

/** Extended heads of these codecs are followed by a composition time in coded frames (Enhanced RTMP v2, ExVideoTagBody). */
const composed: ReadonlySet<string> = new Set(['hvc1', 'avc1', 'vvc1']);

/** Where the payload of a video body begins, and how long after its timestamp the picture is shown, ms: a signed 24-bit number. */
export function videoPayload(body: Uint8Array): { readonly start: number; readonly compositionMs: number } {
  const first = body[0] ?? 0;
  if ((first & 0x80) === 0) return isAvc(first) ? { start: 5, compositionMs: int24(body, 2) } : { start: 1, compositionMs: 0 };
  if ((first & 0x0f) === 1 && composed.has(fourCc(body, 1))) return { start: 8, compositionMs: int24(body, 5) };
  return { start: 5, compositionMs: 0 };
}

/** Where the payload of an audio body begins. */
export function audioPayloadStart(body: Uint8Array): number {
  const format = (body[0] ?? 0) >> 4;
  if (format === extendedAudio) return 5;
  return format === audioCodecAac ? 2 : 1;
}

function int24(body: Uint8Array, at: number): number {
  return (((body[at] ?? 0) << 24) | ((body[at + 1] ?? 0) << 16) | ((body[at + 2] ?? 0) << 8)) >> 8;
}
