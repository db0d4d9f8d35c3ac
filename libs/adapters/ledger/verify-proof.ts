import { originKeys, parseCheckpoint, parseVerifierKey, readKeyList, signedBy, verifyInclusion, type Proof } from '#core/ledger';
import type { LedgerPartition } from '#ports';
import { verifyEd25519 } from './ed25519.ts';
import { originOf } from './ledger-signers.ts';
import { beginsAtOf } from './tree-name.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';

/** What somebody says is the proof of a record. */
export interface ClaimedProof extends LedgerPartition {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly proof: Proof;
  /** The signed note. */
  readonly checkpoint: string;
}

export interface ProofTrust {
  /** The ledger's signed list of its keys. */
  readonly keyList: string;
  /** Verifier keys that the reader knows; none: those of the list are believed. */
  readonly keys: readonly string[];
}

/**
 * Why a proof proves nothing; undefined when it holds.
 * @throws OperatingError `LEDGER_INVALID` when the list of keys is none, or not one of the reader's.
 */
export function proofFlaw(claim: ClaimedProof, trust: ProofTrust): string | undefined {
  const known = trust.keys.map((key) => parseVerifierKey(key, nodeLedgerHash));
  const keys = readKeyList(trust.keyList, known, nodeLedgerHash, verifyEd25519);
  const { origin, size, root, note } = parseCheckpoint(claim.checkpoint);
  const expected = originOf(keys[0]?.name ?? '', { ...claim, beginsAt: beginsAtOf(origin) });
  if (origin !== expected || size !== claim.size) return `its checkpoint is of another tree or size: ${origin}, ${size} records`;
  const { right, wrong } = signedBy(note, originKeys(keys, origin, nodeLedgerHash), verifyEd25519);
  if (right.length === 0 || wrong.length > 0) return 'its checkpoint is not signed by a key of the ledger';
  if (!verifyInclusion(claim.leafHash, { index: claim.index, size, root, proof: claim.proof }, nodeLedgerHash))
    return 'its hashes do not lead from the record to the root that was signed: the ledger or its tiles were changed';
  return undefined;
}
