import { ByteWriter } from './byte-writer.core.ts';

/** FLV tag types (FLV specification 10.1, E.4.1), equal to the RTMP message types of the same media. */
export const tagType = { audio: 8, video: 9, script: 18 } as const;
export type TagType = (typeof tagType)[keyof typeof tagType];

export const tagHeaderBytes = 11;
/** PreviousTagSize after each tag. */
export const tagTrailerBytes = 4;
/** DataSize is a UI24. */
export const tagBodyBytesMax = 0xffffff;

export interface FlvTag {
  readonly type: TagType;
  /** Milliseconds, 0 … 2^32 - 1. */
  readonly timestampMs: number;
  readonly body: Uint8Array;
}

/** The file header and PreviousTagSize0 (E.2, E.3): 13 bytes. */
export function encodeFlvHeader(has: { readonly audio: boolean; readonly video: boolean }): Uint8Array {
  return new ByteWriter(13)
    .text('FLV')
    .uint8(1)
    .uint8((has.audio ? 4 : 0) | (has.video ? 1 : 0))
    .uint32(9)
    .uint32(0)
    .take();
}

/** Writes the 11 bytes before a tag's body. The timestamp's upper eight bits stand after its lower 24 (E.4.1). */
export function writeTagHeader(target: Uint8Array, at: number, type: TagType, bodyBytes: number, timestampMs: number): void {
  target[at] = type;
  target[at + 1] = bodyBytes >>> 16;
  target[at + 2] = bodyBytes >>> 8;
  target[at + 3] = bodyBytes;
  target[at + 4] = timestampMs >>> 16;
  target[at + 5] = timestampMs >>> 8;
  target[at + 6] = timestampMs;
  target[at + 7] = timestampMs >>> 24;
  target[at + 8] = 0;
  target[at + 9] = 0;
  target[at + 10] = 0;
}

/** Byte `index` of PreviousTagSize, the four bytes after a tag's body. */
export function tagTrailerByte(bodyBytes: number, index: number): number {
  return ((bodyBytes + tagHeaderBytes) >>> (8 * (tagTrailerBytes - 1 - index))) & 0xff;
}

/** A whole tag with its PreviousTagSize. */
export function encodeTag(tag: FlvTag): Uint8Array {
  const length = tag.body.length;
  const bytes = new Uint8Array(tagHeaderBytes + length + tagTrailerBytes);
  writeTagHeader(bytes, 0, tag.type, length, tag.timestampMs);
  bytes.set(tag.body, tagHeaderBytes);
  for (let i = 0; i < tagTrailerBytes; i++) bytes[tagHeaderBytes + length + i] = tagTrailerByte(length, i);
  return bytes;
}
