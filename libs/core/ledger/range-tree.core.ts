import { hashBytes, type LedgerHash } from './ledger-hash.types.ts';
import { joinRoots, nodeHash, sameHash, subtreesOf, type Subtree } from './merkle.core.ts';
import { rootsOf, type TileSource } from './tile-proof.core.ts';
import type { LeafRange, TreeHead } from './proof.core.ts';

/** A perfect subtree and its root. */
interface Rooted extends Subtree {
  readonly root: Uint8Array;
}

/** Joins siblings for as long as the last two are some. */
function pushRooted(stack: Rooted[], next: Rooted, hash: LedgerHash): void {
  let joined = next;
  for (
    let left = stack.at(-1);
    left !== undefined && left.height === joined.height && joined.index === left.index + 1 && left.index % 2 === 0;
    left = stack.at(-1)
  ) {
    stack.pop();
    joined = { height: joined.height + 1, index: left.index / 2, root: nodeHash(left.root, joined.root, hash) };
  }
  stack.push(joined);
}

/**
 * A range of a tree's leaves, without the tree: folded into the largest perfect subtrees that lie within. Their roots are
 * nodes of every tree that is at least so large, so a range can be proven by itself.
 */
export class RangeTree {
  readonly #hash: LedgerHash;
  readonly #from: number;
  readonly #stack: Rooted[] = [];
  #next: number;

  /** @param from the first leaf's index */
  constructor(from: number, hash: LedgerHash) {
    this.#from = from;
    this.#next = from;
    this.#hash = hash;
  }

  get range(): LeafRange {
    return { from: this.#from, to: this.#next };
  }

  /** Takes the next leaf's hash, at `at` of `hashes`. */
  push(hashes: Uint8Array, at = 0): void {
    pushRooted(this.#stack, { height: 0, index: this.#next++, root: hashes.slice(at, at + hashBytes) }, this.#hash);
  }

  /** From left to right. */
  roots(): readonly Uint8Array[] {
    return this.#stack.map(({ root }) => root);
  }
}

function leavesOf({ height, index }: Subtree): LeafRange {
  const leaves = 2 ** height;
  return { from: index * leaves, to: (index + 1) * leaves };
}

/** The ranges of the perfect subtrees of a range: `tilesFor` says which tiles {@link rangeRoots} needs. */
export function rangeParts({ from, to }: LeafRange): readonly LeafRange[] {
  return subtreesOf(from, to).map(leavesOf);
}

/** Roots of the perfect subtrees of a range, read from tiles; undefined when one is not there. */
export function rangeRoots(range: LeafRange, tiles: TileSource, hash: LedgerHash): readonly Uint8Array[] | undefined {
  return rootsOf(rangeParts(range), tiles, hash);
}

/** What ties a range to a tree's head: the roots of what lies before and behind it. */
export interface RangeProof {
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
}

/** Whether the leaves of a range, by the roots of its perfect subtrees, stand in the tree of that size and root. */
export function verifyRange(range: LeafRange, roots: readonly Uint8Array[], head: TreeHead, proof: RangeProof, hash: LedgerHash): boolean {
  if (range.from < 0 || range.to > head.size || range.from >= range.to) return false;
  const parts = [
    { subtrees: subtreesOf(0, range.from), roots: proof.before },
    { subtrees: subtreesOf(range.from, range.to), roots },
    { subtrees: subtreesOf(range.to, head.size), roots: proof.after },
  ];
  const stack: Rooted[] = [];
  for (const { subtrees, roots: given } of parts) {
    if (subtrees.length !== given.length) return false;
    for (const [at, subtree] of subtrees.entries()) pushRooted(stack, { ...subtree, root: given[at] as Uint8Array }, hash);
  }
  return sameHash(
    joinRoots(
      stack.map(({ root }) => root),
      hash,
    ),
    head.root,
  );
}
