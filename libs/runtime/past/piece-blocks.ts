import type { DomainEvent } from '#events';
import { ChangeFold, compareText, lastKeyText, type Projection, type RowChange, type TableSpec } from '#kernel';
import type { PastBlock, PastStore } from '#ports';
import { BlockWriter, inKeyOrder, rowsOfBlock } from './past-block.codec.ts';

/** Blocks of one piece that are read at once while pieces are joined. */
const readBlocks = 16;
/** Blocks written by one statement. */
const writeBlocks = 64;

type KeyedRow = readonly [key: string, row: RowChange];

/** The blocks of rows that were folded in memory. */
export async function* foldedBlocks(projection: Projection<DomainEvent>, rows: readonly RowChange[]): AsyncIterable<readonly PastBlock[]> {
  for (const table of projection.tables) {
    const mine = inKeyOrder(
      table,
      rows.filter((row) => row.table === table.name),
    );
    yield* written(table, inOrder(mine));
  }
}

/** The blocks of several pieces joined into one: read, joined and written row by row, whatever their size. */
export async function* joinedBlocks(projection: Projection<DomainEvent>, store: PastStore, pieces: readonly string[]): AsyncIterable<readonly PastBlock[]> {
  for (const table of projection.tables) yield* written(table, joined(table, store, pieces));
}

async function* inOrder(rows: readonly KeyedRow[]): AsyncIterable<KeyedRow> {
  yield* rows;
}

async function* written(table: TableSpec, rows: AsyncIterable<KeyedRow>): AsyncIterable<readonly PastBlock[]> {
  const writer = new BlockWriter(table);
  let blocks: PastBlock[] = [];
  for await (const [key, row] of rows) {
    const full = writer.add(key, row);
    if (full === undefined) continue;
    blocks.push(full);
    if (blocks.length < writeBlocks) continue;
    yield blocks;
    blocks = [];
  }
  const rest = writer.end();
  if (rest !== undefined) blocks.push(rest);
  if (blocks.length > 0) yield blocks;
}

async function* joined(table: TableSpec, store: PastStore, pieces: readonly string[]): AsyncIterable<KeyedRow> {
  const cursors = pieces.map((piece) => rowsOfPiece(table, store, piece)[Symbol.asyncIterator]());
  const heads = await Promise.all(cursors.map((cursor) => cursor.next()));
  for (;;) {
    let least: string | undefined;
    for (const { done, value } of heads) if (done !== true && (least === undefined || compareText(value[0], least) < 0)) least = value[0];
    if (least === undefined) return;
    const fold = new ChangeFold([table]);
    for (let at = 0; at < heads.length; at++) {
      const head = heads[at] as IteratorResult<KeyedRow>;
      if (head.done === true || head.value[0] !== least) continue;
      fold.add(head.value[1]);
      heads[at] = await (cursors[at] as AsyncIterator<KeyedRow>).next();
    }
    yield [least, fold.changes()[0] as RowChange];
  }
}

async function* rowsOfPiece(table: TableSpec, store: PastStore, piece: string): AsyncIterable<KeyedRow> {
  for (let from = ''; ;) {
    const blocks = await store.blocks([piece], { table: table.name, from, to: lastKeyText, blocksMax: readBlocks });
    for (const { bytes } of blocks) yield* inKeyOrder(table, rowsOfBlock(table, bytes));
    if (blocks.length < readBlocks) return;
    // Nothing lies between a key and the same with one character more: keys end with a separator.
    from = `${blocks.at(-1)?.lastKey}\u0001`;
  }
}
