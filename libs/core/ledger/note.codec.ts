import { fromBase64, toBase64 } from './base64.codec.ts';
import { ledgerInvalid } from './ledger.errors.ts';
import type { VerifierKey } from './verifier-key.codec.ts';

/** One line under a note: who signed, and the signature. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** Without the key's id. */
  readonly signature: Uint8Array;
}

/** A C2SP signed note: a text and who signed it. */
export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const bytesMax = 65_536;
const signaturesMax = 64;
const linePattern = /^— (\S+) (\S+)$/u;

export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  const bytes = new Uint8Array(4 + signature.length);
  new DataView(bytes.buffer).setUint32(0, keyId);
  bytes.set(signature, 4);
  return `— ${name} ${toBase64(bytes)}\n`;
}

/** @throws OperatingError `LEDGER_INVALID` */
export function parseSignature(line: string): NoteSignature {
  const match = linePattern.exec(line);
  const bytes = fromBase64(match?.[2] ?? '');
  const name = match?.[1] ?? '';
  if (bytes === undefined || bytes.length <= 4 || name.includes('+')) throw ledgerInvalid('A line under the note is no signature.');
  return { name, keyId: new DataView(bytes.buffer).getUint32(0), signature: bytes.subarray(4) };
}

export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`;
}

/** @throws OperatingError `LEDGER_INVALID` */
export function parseNote(note: string): Note {
  if (note.length > bytesMax) throw ledgerInvalid(`A note has ${bytesMax} characters at most.`);
  // The specification forbids control characters other than the newline.
  // oxlint-disable-next-line no-control-regex -- these are what it forbids
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) throw ledgerInvalid('A note has no control characters.');
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n')) throw ledgerInvalid('This is no signed note: an empty line and signatures are missing.');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > signaturesMax) throw ledgerInvalid(`A note has ${signaturesMax} signatures at most.`);
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

/** Whether an Ed25519 signature of a message is that key's. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export function isOf(signature: NoteSignature, key: VerifierKey): boolean {
  return signature.name === key.name && signature.keyId === key.id;
}
