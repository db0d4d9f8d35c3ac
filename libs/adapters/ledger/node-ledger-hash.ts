import { hash } from 'node:crypto';

/** The form of a hash that Node hands over several times faster than as bytes: a character per byte. */
const raw = 'binary';
const write = Buffer.prototype.latin1Write;

/** SHA-256 for the ledger (`LedgerHash`), without an object per hash. */
export const nodeLedgerHash = {
  bytes(input: Uint8Array, out: Uint8Array, at: number): void {
    write.call(out as Buffer, hash('sha256', input, raw), at);
  },
  text(input: string, out: Uint8Array, at: number): void {
    write.call(out as Buffer, hash('sha256', input, raw), at);
  },
  utf8Length(text: string): number {
    return Buffer.byteLength(text);
  },
} as const;
