import { hashBytes, type LedgerHash } from './ledger-hash.types.ts';

/** The Merkle tree of RFC 6962 section 2.1. Sizes and indexes are whole numbers below 2^53. */

/** Hash of a leaf: SHA-256 of 0x00 and its bytes. */
export function leafHash(bytes: Uint8Array, hash: LedgerHash): Uint8Array {
  const input = new Uint8Array(bytes.length + 1);
  input.set(bytes, 1);
  return hashed(input, hash);
}

/** Root of the tree without leaves: the hash of nothing. */
export function emptyRoot(hash: LedgerHash): Uint8Array {
  return hashed(new Uint8Array(0), hash);
}

function hashed(input: Uint8Array, hash: LedgerHash): Uint8Array {
  const out = new Uint8Array(hashBytes);
  hash.bytes(input, out, 0);
  return out;
}

/** Hash of an inner node: SHA-256 of 0x01, the left and the right hash. */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: LedgerHash): Uint8Array {
  const input = new Uint8Array(1 + 2 * hashBytes);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + hashBytes);
  return hashed(input, hash);
}

/** Folds a perfect subtree: the root of a power of two of hashes that stand one behind the other. Leaves `hashes` as they are. */
export function perfectRoot(hashes: Uint8Array, hash: LedgerHash): Uint8Array {
  const work = hashes.slice();
  const input = new Uint8Array(1 + 2 * hashBytes);
  input[0] = 1;
  for (let bytes = hashes.length; bytes > hashBytes; bytes /= 2) {
    for (let at = 0; at < bytes; at += 2 * hashBytes) {
      // Byte by byte: a view for each node is more garbage than all hashes.
      for (let n = 0; n < 2 * hashBytes; n++) input[n + 1] = work[at + n] as number;
      hash.bytes(input, work, at / 2);
    }
  }
  return work.subarray(0, hashBytes);
}

/** A perfect subtree: 2^height leaves, the `index`-th of its height. */
export interface Subtree {
  readonly height: number;
  readonly index: number;
}

/** The largest power of two that is smaller than n, for n > 1. */
export function splitOf(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/** The perfect subtrees of a range of leaves, from left to right, where `from` is a multiple of the range's first. */
export function subtreesOf(from: number, to: number): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = from; at < to;) {
    let height = 0;
    let leaves = 1;
    while (at + leaves * 2 <= to && at % (leaves * 2) === 0) {
      leaves *= 2;
      height++;
    }
    subtrees.push({ height, index: at / leaves });
    at += leaves;
  }
  return subtrees;
}

/** Joins the roots of perfect subtrees of falling size, as RFC 6962 splits a range. */
export function joinRoots(roots: readonly Uint8Array[], hash: LedgerHash): Uint8Array {
  let joined = roots.at(-1);
  if (joined === undefined) return emptyRoot(hash);
  for (let at = roots.length - 2; at >= 0; at--) joined = nodeHash(roots[at] as Uint8Array, joined, hash);
  return joined;
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
