import { originKeys, parseTreeList, signedBy, treeListOrigin, type ListedTree, type VerifierKey } from '#core/ledger';
import type { LedgerTreeAt } from '#ports';
import { verifyEd25519 } from './ed25519.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';
import { treeName } from './tree-name.ts';
import type { Finding } from './verify-tree.ts';

/** Which trees there must be, as the ledger has signed it. */
export interface ListedTrees {
  readonly trees: ReadonlyMap<string, ListedTree>;
  /** Of the bundle that the list belongs to; undefined for one that belongs to none. */
  readonly exportId?: string | undefined;
  readonly findings: readonly Finding[];
}

/** Reads the list of a ledger's trees; what is wrong with it is found, for then whole trees may have been left out. */
export function readTreeList(list: string | undefined, name: string, keys: readonly VerifierKey[]): ListedTrees {
  const missing = (message: string): ListedTrees => ({ trees: new Map(), findings: [{ kind: 'tree-missing', message }] });
  if (list === undefined) return missing('there is no signed list of the trees: whole trees may have been left out');
  try {
    const { origin, trees, exportId, note } = parseTreeList(list);
    const { right, wrong } = signedBy(note, originKeys(keys, treeListOrigin(name), nodeLedgerHash), verifyEd25519);
    if (origin !== treeListOrigin(name) || right.length === 0 || wrong.length > 0)
      return missing('the list of the trees is not signed by a key of the ledger: whole trees may have been left out');
    return { trees: new Map(trees.map((one) => [one.tree, one])), exportId, findings: [] };
  } catch (error) {
    return missing(`the list of the trees is damaged: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The trees that were signed and are not here. */
export function missingTrees({ trees }: ListedTrees, present: readonly LedgerTreeAt[]): readonly Finding[] {
  const names = new Set(present.map(treeName));
  return [...trees.values()]
    .filter(({ tree }) => !names.has(tree))
    .map(({ tree, size }) => ({ kind: 'tree-missing', message: `${tree}: the whole tree is missing, of which ${size} records were signed` }));
}
