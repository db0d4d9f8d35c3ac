import type { ByteSpan } from './range.codec.ts';

/** What is sent in front of a span. */
export interface BytePart {
  readonly before: Uint8Array;
  readonly span: ByteSpan;
}

/** Several ranges of one representation as one body (RFC 9110 section 14.6). */
export interface Byteranges {
  readonly contentType: string;
  readonly parts: readonly BytePart[];
  readonly end: Uint8Array;
  /** Of the body, bytes. */
  readonly length: number;
}

/** @param boundary that no client can guess, so that no content can be made to hold it */
export function byteranges(
  spans: readonly ByteSpan[],
  whole: { readonly length: number; readonly contentType: string | undefined },
  boundary: string,
): Byteranges {
  const encoder = new TextEncoder();
  const type = whole.contentType === undefined ? '' : `content-type: ${whole.contentType}\r\n`;
  const parts = spans.map((span, at) => ({
    span,
    before: encoder.encode(`${at === 0 ? '' : '\r\n'}--${boundary}\r\n${type}content-range: bytes ${span.first}-${span.last}/${whole.length}\r\n\r\n`),
  }));
  const end = encoder.encode(`\r\n--${boundary}--\r\n`);
  const length = parts.reduce((sum, { before, span }) => sum + before.length + span.last - span.first + 1, end.length);
  return { contentType: `multipart/byteranges; boundary=${boundary}`, parts, end, length };
}
