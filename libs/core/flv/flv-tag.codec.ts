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

/** The 11 bytes before a tag's body. The timestamp's upper eight bits stand after its lower 24 (E.4.1). */
export function encodeTagHeader(type: TagType, bodyBytes: number, timestampMs: number): Uint8Array {
  const header = new Uint8Array(tagHeaderBytes);
  header[0] = type;
  header[1] = bodyBytes >>> 16;
  header[2] = bodyBytes >>> 8;
  header[3] = bodyBytes;
  header[4] = timestampMs >>> 16;
  header[5] = timestampMs >>> 8;
  header[6] = timestampMs;
  header[7] = timestampMs >>> 24;
  return header;
}

/** The four bytes after a tag's body. */
export function encodeTagTrailer(bodyBytes: number): Uint8Array {
  return new ByteWriter(tagTrailerBytes).uint32(bodyBytes + tagHeaderBytes).take();
}

/** A whole tag with its PreviousTagSize. */
export function encodeTag(tag: FlvTag): Uint8Array {
  const bytes = new Uint8Array(tagHeaderBytes + tag.body.length + tagTrailerBytes);
  bytes.set(encodeTagHeader(tag.type, tag.body.length, tag.timestampMs));
  bytes.set(tag.body, tagHeaderBytes);
  bytes.set(encodeTagTrailer(tag.body.length), tagHeaderBytes + tag.body.length);
  return bytes;
}
