import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** PKCS #8 of an Ed25519 key (RFC 8410 section 7), up to its 32 bytes of seed. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
/** SubjectPublicKeyInfo (RFC 8410 section 4), up to the 32 bytes of the key. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

/** The 32 bytes that an Ed25519 key is made from. @throws Error for a key of another kind */
export function seedOf(key: KeyObject): Uint8Array {
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  if (key.asymmetricKeyType !== 'ed25519' || pkcs8.length !== pkcs8Head.length + 32) throw new Error('it is not a key of Ed25519');
  return new Uint8Array(pkcs8.subarray(pkcs8Head.length));
}

/** A pair of keys that signs with Ed25519 (RFC 8032). */
export class Ed25519Signer {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  /** @param seed 32 random bytes; the same seed gives the same keys. */
  constructor(seed: Uint8Array) {
    this.#key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' });
    this.publicKey = new Uint8Array(spki.subarray(spkiHead.length));
  }

  sign(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, this.#key));
  }
}

/** Whether the signature of the message is that key's; false for anything malformed. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([spkiHead, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    // 32 bytes that are no point of the curve.
    return false;
  }
}
