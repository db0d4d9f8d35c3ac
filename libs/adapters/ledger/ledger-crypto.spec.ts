import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Ed25519Signer, nodeLedgerHash, verifyEd25519 } from './index.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('the hash of the ledger', () => {
  test.each([0, 1, 65, 1000])('is SHA-256 of %d bytes, written where it is wanted', (length) => {
    const input = new Uint8Array(randomBytes(length));
    const out = new Uint8Array(96);
    nodeLedgerHash.bytes(input, out, 32);
    expect(Buffer.from(out)).toEqual(Buffer.concat([Buffer.alloc(32), createHash('sha256').update(input).digest(), Buffer.alloc(32)]));
  });

  test.each(['', '\0abc', 'Größe', '🎬', 'half \ud83c'])('is that of the UTF-8 of %j', (text) => {
    const out = new Uint8Array(32);
    nodeLedgerHash.text(text, out, 0);
    expect(Buffer.from(out)).toEqual(createHash('sha256').update(Buffer.from(text)).digest());
    expect(nodeLedgerHash.utf8Length(text)).toBe(new TextEncoder().encode(text).length);
  });
});

describe('Ed25519', () => {
  test.each([
    // RFC 8032 section 7.1, tests 1 and 2.
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
  ])('signs as the vectors of its RFC', (seed, publicKey, message, signature) => {
    const signer = new Ed25519Signer(hex(seed));
    expect(signer.publicKey).toEqual(hex(publicKey));
    expect(signer.sign(hex(message))).toEqual(hex(signature));
    expect(verifyEd25519(signer.publicKey, hex(message), hex(signature))).toBe(true);
    expect(verifyEd25519(signer.publicKey, hex('00'), hex(signature))).toBe(false);
  });

  test('does not verify what is malformed', () => {
    expect(verifyEd25519(new Uint8Array(31), new Uint8Array(), new Uint8Array(64))).toBe(false);
    expect(verifyEd25519(new Uint8Array(32).fill(255), new Uint8Array(), new Uint8Array(64))).toBe(false);
    expect(verifyEd25519(new Uint8Array(32), new Uint8Array(), new Uint8Array(3))).toBe(false);
  });
});
