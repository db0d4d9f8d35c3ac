import type { LedgerHash } from './ledger-hash.types.ts';
import { emptyRoot, sameHash } from './merkle.core.ts';
import type { VerifySignature } from './note.codec.ts';
import { verifyConsistency, type TreeHead } from './proof.core.ts';
import { signedBy } from './signatures.core.ts';
import type { VerifierKey } from './verifier-key.codec.ts';
import type { AddCheckpoint } from './witness.codec.ts';

/** How a witness answers, with the status of C2SP tlog-witness. */
export type WitnessVerdict =
  | { readonly status: 200 }
  /** The old size is larger than the checkpoint's. */
  | { readonly status: 400 }
  /** Nobody whom the witness trusts for the origin has signed. */
  | { readonly status: 403 }
  /** Nobody is trusted for the origin. */
  | { readonly status: 404 }
  /** The witness stands at another size. */
  | { readonly status: 409; readonly size: number }
  /** The new tree is not a continuation of the old one: the proof is wrong, or the log has forked. */
  | { readonly status: 422 };

export interface WitnessView {
  /** Whom the witness trusts for the checkpoint's origin. */
  readonly keys: readonly VerifierKey[];
  /** What it cosigned last for the origin. */
  readonly last: TreeHead | undefined;
}

/** Judges a checkpoint. Pure: whoever asks persists the checkpoint before it hands out the cosignature. */
export function judgeCheckpoint(
  { oldSize, proof, checkpoint }: AddCheckpoint,
  { keys, last }: WitnessView,
  hash: LedgerHash,
  verify: VerifySignature,
): WitnessVerdict {
  if (keys.length === 0) return { status: 404 };
  const { right, wrong } = signedBy(checkpoint.note, keys, verify);
  if (right.length === 0 || wrong.length > 0) return { status: 403 };
  if (oldSize > checkpoint.size) return { status: 400 };
  const old = last ?? { size: 0, root: emptyRoot(hash) };
  if (oldSize !== old.size) return { status: 409, size: old.size };
  const grows = checkpoint.size === 0 ? sameHash(checkpoint.root, emptyRoot(hash)) && proof.length === 0 : verifyConsistency(old, checkpoint, proof, hash);
  return grows ? { status: 200 } : { status: 422 };
}
