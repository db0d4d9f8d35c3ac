import { fromBase64, toBase64, toHex } from './base64.codec.ts';
import { ledgerInvalid } from './ledger.errors.ts';
import { hashBytes, type LedgerHash } from './ledger-hash.types.ts';

/** Types of signatures (C2SP signed-note): of a log, and of a witness with a time (C2SP tlog-cosignature). */
export const signatureTypes = { ed25519: 0x01, cosignature: 0x04 } as const;
export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

/** Who signs, and with what: name, type and public key; `id` is a short hash of the three. */
export interface VerifierKey {
  readonly name: string;
  readonly id: number;
  readonly type: SignatureType;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Neither spaces nor plus: they stand between the parts of what a name is part of. */
const namePattern = /^[^\s+\p{Cc}]{1,256}$/u;

/** @throws OperatingError `LEDGER_INVALID` for a name that no note can carry. */
export function verifierKey(name: string, type: SignatureType, publicKey: Uint8Array, hash: LedgerHash): VerifierKey {
  if (!namePattern.test(name)) throw ledgerInvalid(`${JSON.stringify(name)} is no name of a key: it must have neither spaces nor "+".`);
  const head = new TextEncoder().encode(`${name}\n`);
  const input = new Uint8Array(head.length + 1 + publicKey.length);
  input.set(head);
  input[head.length] = type;
  input.set(publicKey, head.length + 1);
  const digest = new Uint8Array(hashBytes);
  hash.bytes(input, digest, 0);
  return { name, id: new DataView(digest.buffer).getUint32(0), type, publicKey };
}

/** `<name>+<id in hex>+<base64 of type and public key>` */
export function formatVerifierKey({ name, id, type, publicKey }: VerifierKey): string {
  return `${name}+${id.toString(16).padStart(8, '0')}+${toBase64(Uint8Array.of(type, ...publicKey))}`;
}

/** @throws OperatingError `LEDGER_INVALID` */
export function parseVerifierKey(text: string, hash: LedgerHash): VerifierKey {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  const bytes = fromBase64(match?.[3] ?? '');
  const type = Object.values(signatureTypes).find((one) => one === bytes?.[0]);
  if (match === null || bytes?.length !== 33 || type === undefined) throw ledgerInvalid(`${JSON.stringify(text)} is no verifier key of Ed25519.`);
  const key = verifierKey(match[1] as string, type, bytes.subarray(1), hash);
  if (toHex(Uint8Array.of(key.id >>> 24, key.id >>> 16, key.id >>> 8, key.id)) !== match[2])
    throw ledgerInvalid(`The verifier key of ${key.name} is damaged: its id does not fit.`);
  return key;
}
