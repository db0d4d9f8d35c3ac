import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { LedgerHash } from './ledger-hash.types.ts';
import { leafHash } from './merkle.core.ts';
import type { Signer } from './signatures.core.ts';

/** SHA-256 in the plainest way, so that the specs do not stand on the adapter's shortcuts. */
export const plainHash: LedgerHash = {
  bytes: (input, out, at) => out.set(createHash('sha256').update(input).digest(), at),
  text: (input, out, at) => out.set(createHash('sha256').update(input, 'utf8').digest(), at),
  utf8Length: (text) => new TextEncoder().encode(text).length,
};

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A signer from 32 bytes of seed. */
export function signerOf(seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { publicKey: new Uint8Array(publicKey), sign: (message) => new Uint8Array(sign(null, message, key)) };
}

export function verifyPlain(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  return verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
}

/** The leaf hashes of n texts. */
export function leavesOf(n: number): readonly Uint8Array[] {
  return Array.from({ length: n }, (_, at) => leafHash(new TextEncoder().encode(`leaf ${at}`), plainHash));
}
