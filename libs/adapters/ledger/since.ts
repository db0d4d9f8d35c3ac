import type { Bundle } from './bundle-folder.ts';
import { treeName } from './tree-name.ts';
import type { SeenCheckpoint } from './tree-source.ts';

/** What an earlier bundle holds is what an auditor has seen. A tree that is gone since then is a finding, too. */
export function sinceBundle(bundle: Bundle, earlier: Bundle, by: string): Bundle {
  const before = new Map(earlier.trees.map((tree) => [treeName(tree), tree]));
  const trees = bundle.trees.map((tree) => {
    const seen: SeenCheckpoint[] = (before.get(treeName(tree))?.checkpoints ?? []).map((note) => ({ by, note }));
    before.delete(treeName(tree));
    return { ...tree, seen: [...tree.seen, ...seen] };
  });
  const gone = [...before.values()].map((tree) => {
    const { beginsAt = 0n } = bundle.trees.find(({ topic, partition }) => topic === tree.topic && partition === tree.partition) ?? {};
    const succeededAt = beginsAt > (tree.beginsAt ?? 0n) ? beginsAt : undefined;
    return { ...tree, checkpoints: [], tile: () => undefined, records: undefined, succeededAt };
  });
  return { ...bundle, trees: [...trees, ...gone] };
}
