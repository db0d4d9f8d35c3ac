import type { LedgerHash } from './ledger-hash.types.ts';
import { nodeHash, sameHash, splitOf } from './merkle.core.ts';

/** Leaves from `from` to before `to`, whose root a proof holds. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** A proof as its hashes, in the order of RFC 6962. */
export type Proof = readonly Uint8Array[];

/**
 * What an inclusion proof holds (RFC 6962 section 2.1.1, PATH): the roots of these ranges.
 * @param size of the tree; `index` is below it
 */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  const ranges: LeafRange[] = [];
  for (let [from, to] = [0, size]; to - from > 1;) {
    const middle = from + splitOf(to - from);
    ranges.push(index < middle ? { from: middle, to } : { from, to: middle });
    [from, to] = index < middle ? [from, middle] : [middle, to];
  }
  return ranges.reverse();
}

/**
 * What a consistency proof holds (RFC 6962 section 2.1.2, PROOF): the roots of these ranges. None for an old size of 0 or
 * the size itself.
 */
export function consistencyRanges(oldSize: number, size: number): readonly LeafRange[] {
  if (oldSize === 0 || oldSize === size) return [];
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    ranges.push(oldSize <= middle ? { from: middle, to } : { from, to: middle });
    [from, to] = oldSize <= middle ? [from, middle] : [middle, to];
  }
  // The old tree's own right edge; known to the reader when it is the whole old tree.
  if (from !== 0) ranges.push({ from, to });
  return ranges.reverse();
}

/** Whether a leaf stands at `index` of the tree of that size and root (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  { index, size, root, proof }: { readonly index: number; readonly size: number; readonly root: Uint8Array; readonly proof: Proof },
  hash: LedgerHash,
): boolean {
  if (!isIndex(index, size)) return false;
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else r = nodeHash(r, p, hash);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameHash(r, root);
}

/** A tree as its size and root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether the tree of the old head is the beginning of that of the new one (RFC 9162 section 2.1.4.2). */
export function verifyConsistency(old: TreeHead, head: TreeHead, proof: Proof, hash: LedgerHash): boolean {
  if (old.size > head.size) return false;
  if (old.size === head.size) return proof.length === 0 && sameHash(old.root, head.root);
  if (old.size === 0) return proof.length === 0;
  const path = isPowerOfTwo(old.size) ? [old.root, ...proof] : proof;
  let [fn, sn] = [old.size - 1, head.size - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let [fr, sr] = [first, first];
  for (const c of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(c, fr, hash), nodeHash(c, sr, hash)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = nodeHash(sr, c, hash);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameHash(fr, old.root) && sameHash(sr, head.root);
}

function isIndex(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size;
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isPowerOfTwo(n: number): boolean {
  while (n > 1 && n % 2 === 0) n /= 2;
  return n === 1;
}
