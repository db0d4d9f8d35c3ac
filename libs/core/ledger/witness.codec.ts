import { fromBase64, toBase64 } from './base64.codec.ts';
import { parseCheckpoint, type SignedCheckpoint } from './checkpoint.codec.ts';
import { ledgerInvalid } from './ledger.errors.ts';
import { hashBytes } from './ledger-hash.types.ts';
import type { Proof } from './proof.core.ts';

/** What a log asks a witness (C2SP tlog-witness, add-checkpoint). */
export interface AddCheckpoint {
  /** Of the checkpoint that the witness cosigned last, as far as the log knows. */
  readonly oldSize: number;
  readonly proof: Proof;
  readonly checkpoint: SignedCheckpoint;
}

/** Tree sizes have 63 bits at most, and a proof a hash for each. */
const proofLinesMax = 63;

/** @param checkpoint the signed note */
export function formatAddCheckpoint(oldSize: number, proof: Proof, checkpoint: string): string {
  return [`old ${oldSize}`, ...proof.map(toBase64), '', checkpoint].join('\n');
}

/** @throws OperatingError `LEDGER_INVALID` */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf('\n\n');
  if (end === -1) throw ledgerInvalid('The request has no empty line between proof and checkpoint.');
  const [first = '', ...lines] = body.slice(0, end).split('\n');
  const oldSize = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1];
  if (oldSize === undefined || !Number.isSafeInteger(Number(oldSize))) throw ledgerInvalid('The request does not begin with "old" and a size.');
  if (lines.length > proofLinesMax) throw ledgerInvalid(`A proof has ${proofLinesMax} hashes at most.`);
  const proof = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== hashBytes) throw ledgerInvalid('A line of the proof is no hash.');
    return hash;
  });
  return { oldSize: Number(oldSize), proof, checkpoint: parseCheckpoint(body.slice(end + 2)) };
}
