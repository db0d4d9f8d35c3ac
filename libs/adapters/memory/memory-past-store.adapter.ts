import { compareText } from '#kernel';
import {
  PastStore,
  type LackingPiece,
  type PastBlock,
  type PastCut,
  type PastModel,
  type PastPiece,
  type PastRange,
  type PastSize,
  type StoredPiece,
} from '#ports';

interface Kept extends StoredPiece, PastPiece {
  readonly model: PastModel;
  readonly blocks: readonly PastBlock[];
}

function same(a: PastModel, b: PastModel): boolean {
  return a.log === b.log && a.projection === b.projection && a.version === b.version;
}

/** Pieces in memory. */
export class MemoryPastStore extends PastStore {
  #kept: Kept[] = [];
  #made = 0;

  override async chains(model: PastModel, cuts: readonly PastCut[]): Promise<ReadonlyArray<readonly StoredPiece[]>> {
    return cuts.map((cut) => {
      const fitting = this.#of(model, cut).filter(({ next }) => next <= cut.before);
      const chain: StoredPiece[] = [];
      const from = (first: bigint): Kept | undefined =>
        fitting
          .filter((piece) => piece.first === first)
          .reduce<Kept | undefined>((most, one) => (most === undefined || one.next > most.next ? one : most), undefined);
      const begin = fitting.reduce<bigint | undefined>((least, { first }) => (least === undefined || first < least ? first : least), undefined);
      for (let piece = begin === undefined ? undefined : from(begin); piece !== undefined; piece = from(piece.next)) {
        const { id, topic, partition, first, next, lastRecordedAtMs, gone } = piece;
        chain.push({ id, topic, partition, first, next, lastRecordedAtMs, ...(gone === undefined ? {} : { gone }) });
      }
      return chain;
    });
  }

  override async blocks(pieces: readonly string[], { table, from, to, blocksMax }: PastRange): Promise<ReadonlyArray<PastBlock & { readonly piece: string }>> {
    return pieces.flatMap((piece) =>
      (this.#kept.find(({ id }) => id === piece)?.blocks ?? [])
        .filter((block) => block.table === table && compareText(block.firstKey, to) <= 0 && compareText(block.lastKey, from) >= 0)
        .toSorted((a, b) => compareText(a.firstKey, b.firstKey))
        .slice(0, blocksMax ?? Infinity)
        .map((block) => ({ ...block, piece })),
    );
  }

  override async add(model: PastModel, piece: PastPiece, blocks: AsyncIterable<readonly PastBlock[]>): Promise<boolean> {
    const all: PastBlock[] = [];
    for await (const some of blocks) all.push(...some);
    const mine = this.#of(model, piece);
    const end = mine.reduce((most, { next }) => (next > most ? next : most), 0n);
    const joins = mine.length === 0 || mine.some(({ first }) => first === piece.first) || end === piece.first;
    if (!joins || mine.some(({ first, next }) => first === piece.first && next === piece.next)) return false;
    this.#kept.push({ ...piece, id: String(++this.#made), model, blocks: all });
    return true;
  }

  override async lacking(model: PastModel, after: string, limit: number): Promise<readonly LackingPiece[]> {
    const behind = this.#kept.filter((piece) => same(piece.model, model) && piece.lacks.length > 0 && Number(piece.id) > Number(after));
    return behind.slice(0, limit).map(({ id, topic, partition, first, lacks }) => ({ id, topic, partition, first, lacks }));
  }

  override async size(model: PastModel): Promise<PastSize> {
    const mine = this.#kept.filter((piece) => same(piece.model, model));
    const blocks = mine.flatMap((piece) => piece.blocks);
    return { pieces: mine.length, blocks: blocks.length, bytes: blocks.reduce((sum, { bytes }) => sum + bytes.length, 0) };
  }

  override async forgetOlder(models: readonly PastModel[]): Promise<void> {
    const isOlder = ({ log, projection, version }: PastModel): boolean =>
      models.some((model) => model.log !== log || (model.projection === projection && model.version > version));
    this.#kept = this.#kept.filter(({ model }) => !isOlder(model));
  }

  override async forgetFrom(projection: string, { topic, partition, before }: PastCut, low: bigint): Promise<void> {
    const from = before > low ? before : low;
    const canBeFolded = (piece: Kept): boolean => piece.first >= low || this.#of(piece.model, piece).some(({ next }) => next === low);
    this.#kept = this.#kept.filter(
      (piece) => piece.model.projection !== projection || piece.topic !== topic || piece.partition !== partition || piece.next <= from || !canBeFolded(piece),
    );
  }

  #of(model: PastModel, { topic, partition }: Pick<PastPiece, 'topic' | 'partition'>): readonly Kept[] {
    return this.#kept.filter((piece) => same(piece.model, model) && piece.topic === topic && piece.partition === partition);
  }
}
