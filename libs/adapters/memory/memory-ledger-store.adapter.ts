import { assert } from '#kernel';
import {
  ledgerStoreErrors,
  LedgerStore,
  type Clock,
  type LeafTileAt,
  type LeafTilePlace,
  type LedgerCheckpoint,
  type LedgerEvidence,
  type LedgerGrowth,
  type LedgerPartition,
  type LedgerProgress,
  type LedgerTile,
  type LedgerWitness,
} from '#ports';

const hourMs = 3_600_000;

interface Tree {
  progress: LedgerProgress;
  epoch: bigint;
  readonly tiles: Map<string, LedgerTile>;
  readonly places: Map<number, LeafTilePlace>;
  checkpoints: ReadonlyArray<{ readonly checkpoint: LedgerCheckpoint; readonly keptAtMs: number }>;
}

function nameOf({ topic, partition }: LedgerPartition): string {
  return `${topic}/${partition}`;
}

/** The audit ledger for tests, as long as its object. */
export class MemoryLedgerStore extends LedgerStore {
  readonly #clock: Clock;
  readonly #trees = new Map<string, Tree>();
  readonly #witnesses = new Map<string, LedgerWitness>();
  readonly #keyLists = new Map<number, string>();
  #keys = 1;
  #treeList: { readonly records: number; readonly note: string } | undefined;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override async claim({ topic, partition }: LedgerPartition, epoch: bigint): Promise<LedgerProgress> {
    const tree = this.#tree({ topic, partition });
    if (tree.epoch > epoch) throw ledgerStoreErrors.fenced();
    tree.epoch = epoch;
    return tree.progress;
  }

  override async grow(growths: readonly LedgerGrowth[]): Promise<void> {
    const trees = growths.map((growth) => ({ growth, tree: this.#tree(growth) }));
    if (trees.some(({ growth, tree }) => growth.fromSize !== tree.progress.size || growth.epoch !== tree.epoch)) throw ledgerStoreErrors.fenced();
    for (const { growth, tree } of trees) {
      const { topic, partition, size, position, lastOffset, beginsAt } = growth;
      tree.progress = { topic, partition, size, position, lastOffset, beginsAt };
      for (const tile of growth.tiles) tree.tiles.set(`${tile.level}/${tile.index}`, { ...tile, hashes: tile.hashes.slice() });
      for (const place of growth.places) tree.places.set(place.index, place);
    }
  }

  override async beginAnew(at: LedgerPartition & { readonly size: number }, beginsAt: bigint): Promise<boolean> {
    const tree = this.#tree(at);
    if (tree.progress.size !== at.size || tree.progress.beginsAt >= beginsAt) return false;
    tree.progress = { topic: at.topic, partition: at.partition, size: 0, position: beginsAt, lastOffset: undefined, beginsAt };
    tree.tiles.clear();
    tree.places.clear();
    tree.checkpoints = [];
    return true;
  }

  override async progress(): Promise<readonly LedgerProgress[]> {
    return [...this.#trees.values()]
      .map(({ progress }) => progress)
      .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
  }

  override async tiles(at: LedgerPartition, tiles: ReadonlyArray<Pick<LedgerTile, 'level' | 'index'>>): Promise<readonly LedgerTile[]> {
    const held = this.#tree(at).tiles;
    return tiles.flatMap(({ level, index }) => held.get(`${level}/${index}`) ?? []);
  }

  override async place(at: LedgerPartition, index: number): Promise<LeafTilePlace | undefined> {
    return this.#tree(at).places.get(index);
  }

  override async placeOf(at: LedgerPartition, offset: bigint): Promise<LeafTilePlace | undefined> {
    const { places, progress } = this.#tree(at);
    if (progress.lastOffset === undefined || offset > progress.lastOffset) return undefined;
    return [...places.values()].filter(({ firstOffset }) => firstOffset <= offset).sort((a, b) => b.index - a.index)[0];
  }

  override async evidence(at: LedgerPartition, leaf: LeafTileAt): Promise<LedgerEvidence> {
    const place = await ('index' in leaf ? this.place(at, leaf.index) : this.placeOf(at, leaf.offset));
    const checkpoint = await this.checkpoint(at);
    const levels = Array.from({ length: 7 }, (_, level) => level);
    const above = levels.map((level) => ({ level, index: Math.floor((place?.index ?? 0) / 256 ** level) }));
    const edge = checkpoint === undefined ? [] : levels.map((level) => ({ level, index: Math.floor(checkpoint.size / 256 ** (level + 1)) }));
    const wanted = new Map([...above, ...edge].map((tile) => [`${tile.level}/${tile.index}`, tile]));
    const known = place === undefined ? undefined : { index: place.index, firstOffset: place.firstOffset };
    return { place: known, checkpoint, tiles: place === undefined ? [] : await this.tiles(at, [...wanted.values()]) };
  }

  override async placesAt(idMs: number, limit: number): Promise<ReadonlyArray<LedgerPartition & LeafTilePlace>> {
    return [...this.#trees.values()]
      .flatMap(({ places, progress: { topic, partition } }) => [...places.values()].map((place) => ({ topic, partition, ...place })))
      .filter(({ firstIdMs, lastIdMs }) => firstIdMs <= idMs && idMs <= lastIdMs)
      .sort((a, b) => a.firstIdMs - b.firstIdMs || a.partition - b.partition || a.index - b.index)
      .slice(0, limit);
  }

  override async keep(checkpoints: readonly LedgerCheckpoint[]): Promise<void> {
    const keptAtMs = this.#clock.now();
    for (const checkpoint of checkpoints) {
      const tree = this.#tree(checkpoint);
      const known = tree.checkpoints.find((one) => one.checkpoint.size === checkpoint.size);
      const others = tree.checkpoints.filter((one) => one !== known);
      const all = [...others, { checkpoint, keptAtMs: known?.keptAtMs ?? keptAtMs }].sort((a, b) => b.checkpoint.size - a.checkpoint.size);
      const hours = new Set<number>();
      // The first of an hour from the newest on is the hour's last.
      tree.checkpoints = all.filter((one) => {
        const hour = Math.floor(one.keptAtMs / hourMs);
        const isLast = !hours.has(hour);
        hours.add(hour);
        return isLast || keptAtMs - one.keptAtMs < hourMs;
      });
    }
  }

  override async checkpoint(at: LedgerPartition): Promise<LedgerCheckpoint | undefined> {
    return this.#tree(at).checkpoints[0]?.checkpoint;
  }

  override async checkpoints(at: LedgerPartition, limit: number): Promise<readonly LedgerCheckpoint[]> {
    return this.#tree(at)
      .checkpoints.slice(0, limit)
      .map(({ checkpoint }) => checkpoint);
  }

  override async keyCount(): Promise<number> {
    return this.#keys;
  }

  override async addKey(count: number): Promise<boolean> {
    assert(count >= 1, 'a ledger has a key from the start');
    if (count !== this.#keys) return false;
    this.#keys++;
    return true;
  }

  override async keepKeyList(count: number, note: string): Promise<void> {
    this.#keyLists.set(count, note);
  }

  override async keyList(): Promise<string | undefined> {
    return this.#keyLists.get(Math.max(...this.#keyLists.keys()));
  }

  override async keepTreeList(records: number, note: string): Promise<void> {
    if (records >= (this.#treeList?.records ?? 0)) this.#treeList = { records, note };
  }

  override async treeList(): Promise<string | undefined> {
    return this.#treeList?.note;
  }

  override async witnesses(): Promise<readonly LedgerWitness[]> {
    return [...this.#witnesses.values()];
  }

  override async meet(witness: LedgerWitness): Promise<LedgerWitness> {
    const known = this.#witnesses.get(witness.edgeId) ?? witness;
    this.#witnesses.set(known.edgeId, known);
    return known;
  }

  override async replaceWitness({ edgeId, verifierKey: wrong }: LedgerWitness, verifierKey: string): Promise<LedgerWitness> {
    if (this.#witnesses.get(edgeId)?.verifierKey === wrong) this.#witnesses.set(edgeId, { edgeId, verifierKey });
    return this.meet({ edgeId, verifierKey });
  }

  /** Made when it is first asked for, as nobody can tell the two apart. */
  #tree({ topic, partition }: LedgerPartition): Tree {
    const name = nameOf({ topic, partition });
    const known = this.#trees.get(name);
    if (known !== undefined) return known;
    const tree = {
      progress: { topic, partition, size: 0, position: 0n, lastOffset: undefined, beginsAt: 0n },
      epoch: 0n,
      tiles: new Map(),
      places: new Map(),
      checkpoints: [],
    };
    this.#trees.set(name, tree);
    return tree;
  }
}
