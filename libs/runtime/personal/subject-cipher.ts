import { formatSealed, parseSealed } from '#events';
import { createCipheriv, createDecipheriv, createHmac, hash } from 'node:crypto';

/** Under which the personal values of one subject are encrypted. */
export interface DataKey {
  readonly keyId: string;
  /** 32 bytes for AES-256-GCM, and 32 for nonces, hex. */
  readonly cipherKey: Uint8Array;
  readonly nonceKey: string;
  /** By which contents of events are told apart without being kept; hex. */
  readonly contentKey: string;
  /** The last value that was bound to the subject alone, as a rule the only one: it need not be worked out for every event. */
  last: { readonly text: string; readonly sealed: string } | undefined;
}

const nonceBytes = 12;
const tagBytes = 16;
/** Of a value that is bound to its subject alone. */
export const anyPlace = '*';

export function dataKeyOf(keyId: string, secret: Uint8Array): DataKey {
  const derived = (use: string): Buffer => createHmac('sha256', secret).update(use).digest();
  return {
    keyId,
    cipherKey: derived('streams personal value'),
    nonceKey: derived('streams personal nonce').toString('hex'),
    contentKey: derived('streams personal content').toString('hex'),
    last: undefined,
  };
}

/** 64 bits that stand for a field of an event: a value that was moved elsewhere is found out. */
export function placeOf(eventId: string, pointer: string): string {
  return hash('sha256', `${eventId}\n${pointer}`, 'buffer').toString('base64url', 0, 8);
}

/** What stands for the content of an event that tells of the key's subject: nobody can try contents on it without the key, so nobody at all once it is erased. */
export function contentStandIn({ contentKey }: DataKey, content: string): string {
  return hash('sha256', `${contentKey}${content}`, 'base64url');
}

/** Where the name of a key's subject stands: beside the key. */
const besideKey = placeOf('', 'name of the subject');

/** Encrypts the name of the subject under its own key. */
export function sealName(key: DataKey, subject: string): string {
  return sealText(key, besideKey, subject);
}

function authenticated(keyId: string, place: string): Buffer {
  return Buffer.from(`v1:${keyId}:${place}`);
}

/**
 * Encrypts a value. The nonce follows from key, place and value (as in SIV, RFC 5297 section 3): what is sealed again, by a
 * retry or another process, is the same text, and no nonce ever serves two values.
 */
export function sealText(key: DataKey, place: string, text: string): string {
  if (place === anyPlace && key.last?.text === text) return key.last.sealed;
  const sealed = encrypt(key, place, text);
  if (place === anyPlace) key.last = { text, sealed };
  return sealed;
}

function encrypt({ keyId, cipherKey, nonceKey }: DataKey, place: string, text: string): string {
  // A key in front makes a pseudo-random function of the truncated hash, at a fifth of what an HMAC costs here.
  const nonce = hash('sha256', `${nonceKey}${place}\n${text}`, 'buffer').subarray(0, nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', cipherKey, nonce).setAAD(authenticated(keyId, place));
  const body = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  return formatSealed({ keyId, place, body });
}

/** The value; undefined when the text was changed, or is of another key. */
export function openText(key: DataKey, sealed: string): string | undefined {
  if (key.last?.sealed === sealed) return key.last.text;
  const text = decrypt(key, sealed);
  if (text !== undefined && parseSealed(sealed)?.place === anyPlace) key.last = { text, sealed };
  return text;
}

function decrypt({ keyId, cipherKey }: DataKey, sealed: string): string | undefined {
  const parsed = parseSealed(sealed);
  if (parsed === undefined || parsed.keyId !== keyId) return undefined;
  const bytes = Buffer.from(parsed.body, 'base64url');
  if (bytes.length < nonceBytes + tagBytes) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', cipherKey, bytes.subarray(0, nonceBytes));
    decipher.setAAD(authenticated(keyId, parsed.place)).setAuthTag(bytes.subarray(-tagBytes));
    return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
