import { type Bundle, type TreeSource } from '#adapters/ledger';
import { tilesOf } from '#core/ledger';
import type { LedgerStore } from '#ports';

/** Everything that a store has of a ledger, without records. */
export async function bundleOf(store: LedgerStore): Promise<Bundle> {
  const trees: TreeSource[] = [];
  for (const { topic, partition, size } of await store.progress()) {
    if (size === 0) continue;
    const at = { topic, partition };
    const tiles = new Map((await store.tiles(at, [...tilesOf(size)])).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    const checkpoints = (await store.checkpoints(at, 100)).map(({ note }) => note);
    trees.push({ ...at, checkpoints, seen: [], tile: ({ level, index }) => tiles.get(`${level}/${index}`), records: undefined });
  }
  return {
    keyList: (await store.keyList()) ?? '',
    treeList: await store.treeList(),
    witnessKeys: (await store.witnesses()).map(({ verifierKey }) => verifierKey),
    trees,
  };
}
