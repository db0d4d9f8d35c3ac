import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64, parseCheckpoint, verifyInclusion, type LedgerHash } from '#core/ledger';

export interface LedgerTree {
  readonly topic: string;
  readonly partition: number;
  readonly records: number;
  readonly signedRecords: number;
}

export interface Ledger {
  /** Null before the first checkpoint. */
  readonly name: string | null;
  readonly keys: readonly string[];
  readonly witnesses: ReadonlyArray<{ readonly edgeId: string; readonly verifierKey: string }>;
  readonly trees: readonly LedgerTree[];
  /** Why trees stand still, and the way out. */
  readonly trouble: { readonly message: string } | null;
}

/** As the API answers; binary fields are Base64. */
export interface EventProof {
  readonly eventId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly index: number;
  readonly treeSize: number;
  readonly leafHash: string;
  readonly proof: readonly string[];
  readonly checkpoint: string;
}

/** What the browser found by itself about a proof. */
export interface ProofVerdict {
  /** The leaf is in the tree whose root the checkpoint names. */
  readonly included: boolean;
  readonly origin: string;
  /** Who signed the checkpoint, by the names of their keys. Signatures are for the auditor's program to verify. */
  readonly signers: readonly string[];
}

const utf8 = new TextEncoder();

const hash: LedgerHash = {
  bytes: (input, out, at) => out.set(sha256(input), at),
  text: (input, out, at) => out.set(sha256(utf8.encode(input)), at),
  utf8Length: (text) => utf8.encode(text).length,
};

/** Works the root out again from the leaf and the proof (RFC 9162 section 2.1.3.2). @throws when the answer is no proof */
export function judgeProof({ index, treeSize, leafHash, proof, checkpoint }: EventProof): ProofVerdict {
  const { origin, size, root, note } = parseCheckpoint(checkpoint);
  const [leaf, ...hashes] = [leafHash, ...proof].map(fromBase64);
  const path = hashes.filter((one) => one !== undefined);
  const included = leaf !== undefined && path.length === hashes.length && size === treeSize && verifyInclusion(leaf, { index, size, root, proof: path }, hash);
  return { included, origin, signers: note.signatures.map(({ name }) => name) };
}
