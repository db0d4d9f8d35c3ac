import { isOf, type Note, type NoteSignature, type VerifySignature } from './note.codec.ts';
import { signatureTypes, type VerifierKey } from './verifier-key.codec.ts';

/** Signs bytes with Ed25519 (RFC 8032). */
export interface Signer {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** A signature of a log over the text of a note. */
export function signText(text: string, key: VerifierKey, signer: Signer): NoteSignature {
  return { name: key.name, keyId: key.id, signature: signer.sign(new TextEncoder().encode(text)) };
}

const timestampBytes = 8;
const signatureBytes = 64;

/** What a witness signs (C2SP tlog-cosignature, Ed25519): the time, and the whole text of the checkpoint. */
function cosignedMessage(text: string, time: number | bigint): Uint8Array {
  return new TextEncoder().encode(`cosignature/v1\ntime ${time}\n${text}`);
}

/**
 * A witness's signature over a checkpoint, with the time in seconds since the Unix epoch. For the same message Ed25519
 * gives the same signature.
 */
export function cosign(text: string, timeSec: number, key: VerifierKey, signer: Signer): NoteSignature {
  const signature = new Uint8Array(timestampBytes + signatureBytes);
  new DataView(signature.buffer).setBigUint64(0, BigInt(timeSec));
  signature.set(signer.sign(cosignedMessage(text, timeSec)), timestampBytes);
  return { name: key.name, keyId: key.id, signature };
}

/** When a witness signed, seconds since the Unix epoch; undefined when it is no such signature. */
export function cosignedAt({ signature }: NoteSignature): number | undefined {
  if (signature.length !== timestampBytes + signatureBytes) return undefined;
  return Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
}

function verifyOne(text: string, { signature }: NoteSignature, key: VerifierKey, verify: VerifySignature): boolean {
  if (key.type === signatureTypes.ed25519) return signature.length === signatureBytes && verify(key.publicKey, new TextEncoder().encode(text), signature);
  if (signature.length !== timestampBytes + signatureBytes) return false;
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  return time > 0n && verify(key.publicKey, cosignedMessage(text, time), signature.subarray(timestampBytes));
}

/** Who of the known keys has signed a note. */
export interface SignedBy {
  /** Keys whose signature is right, in the order of the keys. */
  readonly right: readonly VerifierKey[];
  /** Keys under whose name and id stands a signature that is not theirs. */
  readonly wrong: readonly VerifierKey[];
}

/** Judges the signatures of known keys; those of others say nothing, whatever they look like. */
export function signedBy({ text, signatures }: Note, keys: readonly VerifierKey[], verify: VerifySignature): SignedBy {
  const [right, wrong]: [VerifierKey[], VerifierKey[]] = [[], []];
  for (const key of keys) {
    const of = signatures.filter((one) => isOf(one, key));
    if (of.length === 0) continue;
    (of.every((one) => verifyOne(text, one, key, verify)) ? right : wrong).push(key);
  }
  return { right, wrong };
}
