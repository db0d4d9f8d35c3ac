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
import { textArray } from './array-literal.ts';
import type { Database, Statement, TextResult, TextRow } from './database.ts';

type Run = (statement: Statement) => Promise<TextResult>;

const columns = 'piece, topic, partition, first, next, last_recorded_ms, gone';
const place = 'log = $1 AND projection = $2 AND version = $3 AND topic = cut.topic AND partition = cut.partition AND next <= cut.before';

/** From piece to piece, each time the largest that ends before the cut: pieces nest, so the chain is as short as it can be. */
const chainsSql = `
  SELECT cut.at, chain.* FROM unnest($4::text[], $5::integer[], $6::bigint[]) WITH ORDINALITY AS cut (topic, partition, before, at)
  CROSS JOIN LATERAL (
    WITH RECURSIVE chain AS (
      (SELECT ${columns} FROM streams.past_pieces WHERE ${place} ORDER BY first, next DESC LIMIT 1)
      UNION ALL
      SELECT further.* FROM chain AS mine CROSS JOIN LATERAL (
        SELECT ${columns} FROM streams.past_pieces WHERE ${place} AND first = mine.next ORDER BY next DESC LIMIT 1) AS further)
    SELECT * FROM chain) AS chain
  ORDER BY cut.at, chain.first`;

/** Blocks do not overlap: the last that begins at or before the range is the first that can reach into it. */
const blocksSql = `
  SELECT wanted.piece, block.table_name, block.first_key, block.last_key, block.row_count, block.bytes
  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (piece, at) CROSS JOIN LATERAL (
    SELECT * FROM streams.past_blocks AS each
    WHERE each.piece = wanted.piece AND each.table_name = $2 AND each.first_key <= $4 AND each.last_key >= $3
      AND each.first_key >= coalesce((SELECT max(first_key) FROM streams.past_blocks AS before
        WHERE before.piece = wanted.piece AND before.table_name = $2 AND before.first_key <= $3), '')
    ORDER BY each.first_key LIMIT $5) AS block
  ORDER BY wanted.at, block.first_key`;

const own = 'FROM streams.past_pieces WHERE log = $1 AND projection = $2 AND version = $3 AND topic = $4 AND partition = $5';

const insertPieceSql = `
  INSERT INTO streams.past_pieces (log, projection, version, topic, partition, first, next, last_recorded_ms, lacks, gone)
  SELECT $1, $2, $3::integer, $4, $5::integer, $6::bigint, $7::bigint, $8::bigint, $9::bigint[], $10::boolean
  WHERE NOT EXISTS (SELECT ${own}) OR EXISTS (SELECT ${own} AND first = $6) OR $6 = (SELECT max(next) ${own})
  ON CONFLICT DO NOTHING RETURNING piece`;

const insertBlocksSql = `
  INSERT INTO streams.past_blocks (piece, table_name, first_key, last_key, row_count, bytes)
  SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::bytea[])`;

/** One keeper of a place at a time: two would begin two chains. */
const lockSql = `SELECT pg_advisory_xact_lock(hashtextextended('past/' || $1 || '/' || $2 || '/' || $3 || '/' || $4 || '/' || $5, 0))`;

/** Pieces and their blocks as rows; a chain and the blocks of a range are a round trip each. */
export class PostgresPastStore extends PastStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async chains(model: PastModel, cuts: readonly PastCut[]): Promise<ReadonlyArray<readonly StoredPiece[]>> {
    const array = (of: (cut: PastCut) => unknown): string => textArray(cuts.map((cut) => String(of(cut))));
    const values = [...modelValues(model), array(({ topic }) => topic), array(({ partition }) => partition), array(({ before }) => before)];
    const { rows } = await this.#database.read({ text: chainsSql, name: 'past_chains', values });
    const chains: StoredPiece[][] = cuts.map(() => []);
    for (const [at, ...piece] of rows) chains[Number(at) - 1]?.push(pieceOf(piece));
    return chains;
  }

  override async blocks(pieces: readonly string[], { table, from, to, blocksMax }: PastRange): Promise<ReadonlyArray<PastBlock & { readonly piece: string }>> {
    if (pieces.length === 0) return [];
    const values = [textArray(pieces), table, from, to, blocksMax ?? null];
    const { rows } = await this.#database.read({ text: blocksSql, name: 'past_blocks', values });
    return rows.map(([piece, name, firstKey, lastKey, count, bytes]) => ({
      piece: piece ?? '',
      table: name ?? '',
      firstKey: firstKey ?? '',
      lastKey: lastKey ?? '',
      rows: Number(count),
      bytes: Buffer.from((bytes ?? '').slice(2), 'hex'),
    }));
  }

  override add(model: PastModel, piece: PastPiece, blocks: AsyncIterable<readonly PastBlock[]>): Promise<boolean> {
    return this.#database.transaction(async (run) => {
      const where = [...modelValues(model), piece.topic, String(piece.partition)];
      await run({ text: lockSql, values: where });
      const made = await run({
        text: insertPieceSql,
        values: [...where, String(piece.first), String(piece.next), piece.lastRecordedAtMs, textArray(piece.lacks.map(String)), String(piece.gone === true)],
      });
      const id = made.rows[0]?.[0];
      if (id === undefined || id === null) return false;
      for await (const some of blocks) await insertBlocks(run, id, some);
      return true;
    });
  }

  override async lacking(model: PastModel, after: string, limit: number): Promise<readonly LackingPiece[]> {
    const text = `SELECT piece, topic, partition, first, array_to_string(lacks, ' ') FROM streams.past_pieces
      WHERE log = $1 AND projection = $2 AND version = $3 AND lacks <> '{}' AND piece > $4 ORDER BY piece LIMIT $5`;
    const { rows } = await this.#database.read({ text, values: [...modelValues(model), after === '' ? '0' : after, limit] });
    return rows.map(([id, topic, partition, first, lacks]) => ({
      ...{ id: id ?? '', topic: topic ?? '', partition: Number(partition), first: BigInt(first ?? 0) },
      lacks: (lacks ?? '').split(' ').map(BigInt),
    }));
  }

  override async size(model: PastModel): Promise<PastSize> {
    const text = `SELECT count(DISTINCT mine.piece), count(block.piece), coalesce(sum(length(block.bytes)), 0)
      FROM streams.past_pieces AS mine LEFT JOIN streams.past_blocks AS block USING (piece)
      WHERE mine.log = $1 AND mine.projection = $2 AND mine.version = $3`;
    const [row = []] = (await this.#database.read({ text, values: modelValues(model) })).rows;
    return { pieces: Number(row[0]), blocks: Number(row[1]), bytes: Number(row[2]) };
  }

  override async forgetOlder(models: readonly PastModel[]): Promise<void> {
    const array = (of: (model: PastModel) => unknown): string => textArray(models.map((model) => String(of(model))));
    const text = `DELETE FROM streams.past_pieces AS old USING unnest($1::text[], $2::text[], $3::integer[]) AS kept (log, projection, version)
      WHERE old.log <> kept.log OR (old.projection = kept.projection AND old.version < kept.version)`;
    await this.#database.run({ text, values: [array(({ log }) => log), array(({ projection }) => projection), array(({ version }) => version)] });
  }

  override async forgetFrom(projection: string, { topic, partition, before }: PastCut, low: bigint): Promise<void> {
    const text = `DELETE FROM streams.past_pieces AS mine WHERE projection = $1 AND topic = $2 AND partition = $3 AND next > greatest($4::bigint, $5::bigint)
      AND (first >= $5::bigint OR EXISTS (SELECT FROM streams.past_pieces AS other WHERE other.log = mine.log AND other.projection = mine.projection
        AND other.version = mine.version AND other.topic = mine.topic AND other.partition = mine.partition AND other.next = $5::bigint))`;
    await this.#database.run({ text, values: [projection, topic, String(partition), String(before), String(low)] });
  }
}

function modelValues({ log, projection, version }: PastModel): readonly string[] {
  return [log, projection, String(version)];
}

function pieceOf([id, topic, partition, first, next, lastRecordedAtMs, gone]: TextRow): StoredPiece {
  return {
    id: id ?? '',
    topic: topic ?? '',
    partition: Number(partition),
    first: BigInt(first ?? 0),
    next: BigInt(next ?? 0),
    lastRecordedAtMs: lastRecordedAtMs === null || lastRecordedAtMs === undefined ? null : Number(lastRecordedAtMs),
    ...(gone === 't' ? { gone: true } : {}),
  };
}

async function insertBlocks(run: Run, piece: string, blocks: readonly PastBlock[]): Promise<void> {
  if (blocks.length === 0) return;
  const array = (of: (block: PastBlock) => string | number): string => textArray(blocks.map((block) => String(of(block))));
  const texts = [array(({ table }) => table), array(({ firstKey }) => firstKey), array(({ lastKey }) => lastKey), array(({ rows }) => rows)];
  await run({ text: insertBlocksSql, values: [piece, ...texts, blocks.map(({ bytes }) => Buffer.from(bytes))] });
}
