/**
 * What stands in the place of a personal value:
 *
 *     sealed  = "sealed:v1:" key-id ":" place ":" body     on the log and in read models: encrypted
 *     erased  = "erased:" key-id ":" time                  for readers: its key was deleted, nobody can read it any more
 *     locked  = "locked:" key-id                           for readers: encrypted, and the key is not to be had here
 *     key-id  = 22 characters of base64url (128 bits)
 *     place   = "*" | 11 characters of base64url (64 bits)
 *     body    = base64url of nonce (12 bytes), ciphertext, tag (16 bytes)
 *     time    = RFC 3339, UTC
 *
 * All are text, so that they fit wherever the value did. Nobody from outside may publish them in a personal field.
 */
const sealedPattern = /^sealed:v1:([\w-]{22}):(\*|[\w-]{11}):([\w-]{38,})$/;
const erasedPattern = /^erased:([\w-]{22}):(\d{4}-\d\d-\d\dT[\d:.]{8,12}Z)$/;
const lockedPattern = /^locked:([\w-]{22})$/;

/** Begins like one of them; what does so and is none is nobody's to publish either. */
export const standInPattern = /^(sealed|erased|locked):/;
/** Longer than any sealed text of a catalogue's field. */
export const standInLengthMax = 8192;

export const sealedPrefix = 'sealed:v1:';

export interface SealedText {
  readonly keyId: string;
  /** `*` for a value that is bound to its subject alone, so that equal values are sealed alike. */
  readonly place: string;
  readonly body: string;
}

/** A personal value as a reader has it. */
export type PersonalValue =
  | { readonly is: 'clear'; readonly text: string }
  /** For good, since that time (RFC 3339). */
  | { readonly is: 'erased'; readonly keyId: string; readonly at: string }
  /** Encrypted, and the key is not to be had here. */
  | { readonly is: 'locked'; readonly keyId: string };

export function formatSealed({ keyId, place, body }: SealedText): string {
  return `${sealedPrefix}${keyId}:${place}:${body}`;
}

export function parseSealed(text: string): SealedText | undefined {
  if (!text.startsWith(sealedPrefix)) return undefined;
  const match = sealedPattern.exec(text);
  return match === null ? undefined : { keyId: match[1] as string, place: match[2] as string, body: match[3] as string };
}

const sealedAnywhere = /sealed:v1:[\w-]{22}:(?:\*|[\w-]{11}):[\w-]{38,}/g;

/** A text with another in the place of whatever is sealed in it. */
export function replaceSealed(text: string, by: (sealed: string) => string): string {
  return text.includes(sealedPrefix) ? text.replace(sealedAnywhere, by) : text;
}

export function formatErased(keyId: string, atMs: number): string {
  return `erased:${keyId}:${new Date(atMs).toISOString()}`;
}

export function formatLocked(keyId: string): string {
  return `locked:${keyId}`;
}

/** Tells a value from what stands in its place. */
export function readPersonal(text: string): PersonalValue {
  if (!standInPattern.test(text)) return { is: 'clear', text };
  const erased = erasedPattern.exec(text);
  if (erased !== null) return { is: 'erased', keyId: erased[1] as string, at: erased[2] as string };
  const keyId = lockedPattern.exec(text)?.[1] ?? parseSealed(text)?.keyId;
  return keyId === undefined ? { is: 'clear', text } : { is: 'locked', keyId };
}
