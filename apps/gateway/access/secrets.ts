import { base32Of } from '#domain/stream';
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits: too many to guess, so a fast hash is enough to keep them. */
const secretBytes = 32;

export function randomSecret(): string {
  return base32Of(randomBytes(secretBytes));
}

/** Random text for ids: 80 bits, 16 characters. */
export function randomId(): Uint8Array {
  return randomBytes(10);
}

/** 80 bits that are the same for the same parts. */
export function derivedId(...parts: readonly string[]): Uint8Array {
  return createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 10);
}

/** A secret that only the holder of `secret` can have made, and makes again from the same parts. */
export function derivedSecret(secret: string, ...parts: readonly string[]): string {
  return base32Of(createHmac('sha256', secret).update(JSON.stringify(parts)).digest());
}

/** SHA-256, hex: what is kept of a secret. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares two hex hashes in constant time. */
export function sameHash(left: string, right: string): boolean {
  const a = Buffer.from(left, 'hex');
  const b = Buffer.from(right, 'hex');
  return a.length === b.length && timingSafeEqual(a, b);
}
