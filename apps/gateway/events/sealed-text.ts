import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync } from 'node:crypto';

export const nonceBytes = 24;
export const tagBytes = 16;
const keyBytes = 32;
/** The first half of a nonce makes the message's key, the second is the nonce of AES-GCM under that key. */
const halfBytes = nonceBytes / 2;
/** Nonces are drawn by so many at a time: asking the system for a few bytes costs more than the bytes. */
const nonceDraw = 256;

/**
 * XAES-256-GCM (C2SP, https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key of its own for each message, made of the key
 * and half of a nonce of 192 random bits. AES-GCM alone bears no more than 2^32 random nonces under one key, which gateways
 * that give a token with every event reach within days; here 2^80 messages are safe, and nothing has to be counted.
 */
export class SealedText {
  /** AES-256 of single blocks; it has no state between two of them. */
  readonly #blocks: ReturnType<typeof createCipheriv>;
  /** The CMAC subkey K1 (NIST SP 800-38B section 6.1). */
  readonly #subkey: Buffer;
  readonly #nonces = Buffer.alloc(nonceDraw * nonceBytes);
  #drawn = nonceDraw;

  constructor(key: Uint8Array) {
    this.#blocks = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    this.#subkey = doubled(this.#blocks.update(Buffer.alloc(16)));
  }

  /** The key of this purpose, made of a secret that may serve others. */
  static of(secret: Uint8Array, purpose: string): SealedText {
    return new SealedText(Buffer.from(hkdfSync('sha256', secret, '', purpose, keyBytes)));
  }

  /** Nonce, then what only {@link open} with the same key and `head` reads. @param head in the clear, and not to be changed */
  seal(text: Uint8Array, head: Uint8Array, nonce: Uint8Array = this.#nextNonce()): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(nonce), nonce.subarray(halfBytes));
    cipher.setAAD(head);
    return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  }

  /** What was sealed; undefined when it was not by this key, or changed since. */
  open(sealed: Uint8Array, head: Uint8Array): Buffer | undefined {
    if (sealed.length < nonceBytes + tagBytes) return undefined;
    const nonce = sealed.subarray(0, nonceBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(nonce), nonce.subarray(halfBytes), { authTagLength: tagBytes });
    decipher.setAAD(head).setAuthTag(sealed.subarray(-tagBytes));
    const text = decipher.update(sealed.subarray(nonceBytes, -tagBytes));
    try {
      decipher.final();
      return text;
    } catch {
      return undefined;
    }
  }

  #nextNonce(): Uint8Array {
    if (this.#drawn === nonceDraw) {
      randomFillSync(this.#nonces);
      this.#drawn = 0;
    }
    const at = this.#drawn++ * nonceBytes;
    return this.#nonces.subarray(at, at + nonceBytes);
  }

  /** NIST SP 800-108 in counter mode with CMAC, of two blocks: 0, counter, "X", 0, half of the nonce. */
  #keyOf(nonce: Uint8Array): Buffer {
    const blocks = Buffer.alloc(keyBytes);
    for (const counter of [1, 2]) {
      const at = (counter - 1) * 16;
      blocks[at + 1] = counter;
      blocks[at + 2] = 0x58;
      blocks.set(nonce.subarray(0, halfBytes), at + 4);
      for (let byte = 0; byte < 16; byte++) blocks[at + byte] = (blocks[at + byte] as number) ^ (this.#subkey[byte] as number);
    }
    return this.#blocks.update(blocks);
  }
}

/** Doubling in GF(2^128). */
function doubled(block: Buffer): Buffer {
  const out = Buffer.alloc(block.length);
  for (let at = 0; at < block.length; at++) out[at] = (((block[at] as number) << 1) | ((block[at + 1] ?? 0) >> 7)) & 0xff;
  if ((block[0] as number) >= 0x80) out[out.length - 1] = (out.at(-1) as number) ^ 0x87;
  return out;
}
