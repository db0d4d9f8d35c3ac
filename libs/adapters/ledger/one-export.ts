import { holdingOrigin, originKeys, parseHolding, signedBy, type Holding, type VerifierKey } from '#core/ledger';
import type { Bundle } from './bundle-folder.ts';
import { verifyEd25519 } from './ed25519.ts';
import { originOf } from './ledger-signers.ts';
import type { ListedTrees } from './listed-trees.ts';
import { treeName } from './tree-name.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';
import type { TreeSource } from './tree-source.ts';
import type { Finding } from './verify-tree.ts';

export interface OneExportInit {
  /** Name of the ledger, and its keys. */
  readonly name: string;
  readonly keys: readonly VerifierKey[];
  /** The list of the trees, whose signatures are right. */
  readonly listed: ListedTrees;
}

/**
 * Whether all of a bundle is of one export. What is of another one is right by itself and may be older: a tree without its
 * last records, or a list without the trees that began since. Each tree is as large as the list says, and none is there that it does not have.
 */
export function foreignParts(bundle: Bundle, { name, keys, listed }: OneExportInit): readonly Finding[] {
  const { exportId } = listed;
  if (bundle.exported !== true || listed.findings.length > 0) return [];
  const unknown = 'nobody can tell whether a whole partition is missing';
  if (exportId === undefined)
    return [
      {
        kind: 'tree-missing',
        message: `the list of the trees is that of no export, so ${unknown}: the bundle was exported by an older version, or the list was put in; export it anew`,
      },
    ];
  const trees = bundle.trees.filter(({ checkpoints }) => checkpoints.length > 0);
  const said = new Map(trees.map((tree) => [tree, holdingOf(tree, name, keys)]));
  const foreign = trees.filter((tree) => said.get(tree)?.exportId !== exportId);
  if (trees.length > 0 && foreign.length === trees.length)
    return [{ kind: 'tree-missing', message: `the list of the trees is that of another export than the trees, so ${unknown}` }];
  // What was signed for the export after it had begun, of a later moment: the trees that began since would not be missed.
  const later = trees.filter((tree) => !foreign.includes(tree) && said.get(tree)?.size !== listed.trees.get(treeName(tree))?.size);
  return [
    ...foreign.map((tree): Finding => ({
      kind: 'holding-foreign',
      message: `${treeName(tree)}: it was put in from another bundle; what is said of its records belongs to another export than the list of the trees`,
    })),
    ...later.map((tree): Finding => {
      const size = listed.trees.get(treeName(tree))?.size;
      const listedAs = size === undefined ? 'does not have it' : `has ${size} of it`;
      return {
        kind: 'holding-foreign',
        message: `${treeName(tree)}: it has ${said.get(tree)?.size} records, and the list of the trees ${listedAs}: it is of another moment than that at which the export began`,
      };
    }),
  ];
}

/** Undefined where nothing says it that the ledger has signed. */
function holdingOf(tree: TreeSource, name: string, keys: readonly VerifierKey[]): Pick<Holding, 'exportId' | 'size'> | undefined {
  const holding = tree.copy?.holding ?? tree.exportedAs;
  try {
    if (holding === undefined) return undefined;
    const { origin, size, exportId, note } = parseHolding(holding);
    const { right, wrong } = signedBy(note, originKeys(keys, holdingOrigin(origin), nodeLedgerHash), verifyEd25519);
    return origin === originOf(name, tree) && right.length > 0 && wrong.length === 0 ? { exportId, size } : undefined;
  } catch {
    return undefined;
  }
}
