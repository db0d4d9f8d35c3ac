/** What a publisher shows: `<streamId>-<secret>`. */
export interface StreamKey {
  readonly streamId: string;
  readonly secret: string;
}

/** RFC 4648 base32 alphabet in lower case: letters and digits that nobody confuses and every RTMP client sends unharmed. */
const base32 = 'abcdefghijklmnopqrstuvwxyz234567';
const streamIdPattern = /^st-[a-z2-7]{8,26}$/;
const streamKeyPattern = /^(st-[a-z2-7]{8,26})-([a-z2-7]{26,52})$/;

/** Bytes as lower-case base32 without padding (RFC 4648 section 6); the caller brings the random bytes. */
export function base32Of(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held & 0x1f) << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += base32[(held >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + base32[(held << (5 - bits)) & 31];
}

/** A stream id from random bytes (8 bytes give 13 characters). */
export function streamIdOf(random: Uint8Array): string {
  return `st-${base32Of(random)}`;
}

export function isStreamId(text: string): boolean {
  return streamIdPattern.test(text);
}

export function formatStreamKey(key: StreamKey): string {
  return `${key.streamId}-${key.secret}`;
}

/** The parts of a stream key; undefined when the text has another shape. A query (`?…`), which some encoders append, is cut off. */
export function parseStreamKey(text: string): StreamKey | undefined {
  const query = text.indexOf('?');
  const match = streamKeyPattern.exec(query === -1 ? text : text.slice(0, query));
  return match === null ? undefined : { streamId: match[1] as string, secret: match[2] as string };
}
