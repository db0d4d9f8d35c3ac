import {
  ledgerStoreErrors,
  LedgerStore,
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
import { columnArray, textArray } from './array-literal.ts';
import type { Database, TextRow } from './database.ts';
import { evidenceByIndex, evidenceByOffset, evidenceOf } from './ledger-evidence.ts';
import { growthTiles } from './ledger-tiles.ts';

const progressColumns = 'topic, partition, size, position, last_offset, begins_at';
const placeColumns = "index, first_offset, lower(ids), upper(ids) - 1, encode(id_prints, 'hex')";

/** The audit ledger in `streams.ledger_*`. */
export class PostgresLedgerStore extends LedgerStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async claim({ topic, partition }: LedgerPartition, epoch: bigint): Promise<LedgerProgress> {
    const text = `
      INSERT INTO streams.ledger_trees AS tree (topic, partition, epoch) VALUES ($1, $2, $3)
      ON CONFLICT (topic, partition) DO UPDATE SET epoch = excluded.epoch WHERE tree.epoch <= excluded.epoch
      RETURNING ${progressColumns}`;
    const { rows } = await this.#database.read({ name: 'claim_ledger', text, values: [topic, partition, String(epoch)] });
    if (rows[0] === undefined) throw ledgerStoreErrors.fenced();
    return progressOf(rows[0]);
  }

  override async grow(growths: readonly LedgerGrowth[]): Promise<void> {
    if (growths.length === 0) return;
    const update = `
      UPDATE streams.ledger_trees AS tree SET size = grown.size, position = grown.position, last_offset = grown.last_offset, begins_at = grown.begins_at
      FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
        AS grown (topic, partition, epoch, from_size, size, position, last_offset, begins_at)
      WHERE tree.topic = grown.topic AND tree.partition = grown.partition AND tree.epoch = grown.epoch AND tree.size = grown.from_size`;
    await this.#database.transaction(async (run) => {
      const { count } = await run({ name: 'grow_ledger', text: update, values: growthColumns(growths) });
      if (count !== growths.length) throw ledgerStoreErrors.fenced();
      const tiles = growthTiles(growths);
      if (tiles !== undefined) await run({ name: 'write_ledger_tiles', text: writeTiles, values: tiles });
    });
  }

  override async beginAnew({ topic, partition, size }: LedgerPartition & { readonly size: number }, beginsAt: bigint): Promise<boolean> {
    return this.#database.transaction(async (run) => {
      const text = `
        UPDATE streams.ledger_trees SET size = 0, position = $4, last_offset = NULL, begins_at = $4
        WHERE topic = $1 AND partition = $2 AND size = $3 AND begins_at < $4`;
      const { count } = await run({ text, values: [topic, partition, Math.trunc(size), String(beginsAt)] });
      if (count === 0) return false;
      for (const table of ['ledger_tiles', 'ledger_checkpoints'])
        await run({ text: `DELETE FROM streams.${table} WHERE topic = $1 AND partition = $2`, values: [topic, partition] });
      return true;
    });
  }

  override async progress(): Promise<readonly LedgerProgress[]> {
    const { rows } = await this.#database.read({ text: `SELECT ${progressColumns} FROM streams.ledger_trees ORDER BY topic, partition` });
    return rows.map(progressOf);
  }

  override async tiles({ topic, partition }: LedgerPartition, tiles: ReadonlyArray<Pick<LedgerTile, 'level' | 'index'>>): Promise<readonly LedgerTile[]> {
    if (tiles.length === 0) return [];
    // One by one by their key: joined, a plan may look through all tiles of the partition.
    const text = `
      SELECT level, index, tile.width, encode(tile.hashes, 'base64')
      FROM (SELECT DISTINCT * FROM unnest($3::smallint[], $4::bigint[]) AS asked (level, index)) AS wanted CROSS JOIN LATERAL (
        SELECT width, hashes FROM streams.ledger_tiles
        WHERE topic = $1 AND partition = $2 AND ledger_tiles.level = wanted.level AND ledger_tiles.index = wanted.index LIMIT 1) AS tile`;
    const columns = [
      columnArray(
        'bigint',
        tiles.map(({ level }) => level),
      ),
      columnArray(
        'bigint',
        tiles.map(({ index }) => index),
      ),
    ];
    const { rows } = await this.#database.read({ name: 'ledger_tiles', text, values: [topic, partition, ...columns] });
    return rows.map(([level, index, width, hashes]) => ({
      level: Number(level),
      index: Number(index),
      width: Number(width),
      hashes: Buffer.from(hashes ?? '', 'base64'),
    }));
  }

  override async place({ topic, partition }: LedgerPartition, index: number): Promise<LeafTilePlace | undefined> {
    const text = `SELECT ${placeColumns} FROM streams.ledger_tiles WHERE topic = $1 AND partition = $2 AND level = 0 AND index = $3`;
    const { rows } = await this.#database.read({ name: 'ledger_place', text, values: [topic, partition, index] });
    return rows[0] === undefined ? undefined : placeOf(rows[0]);
  }

  override async placeOf({ topic, partition }: LedgerPartition, offset: bigint): Promise<LeafTilePlace | undefined> {
    const text = `
      SELECT ${placeColumns} FROM streams.ledger_tiles AS tile JOIN streams.ledger_trees AS tree USING (topic, partition)
      WHERE topic = $1 AND partition = $2 AND level = 0 AND first_offset <= $3 AND tree.last_offset >= $3 ORDER BY first_offset DESC, index DESC LIMIT 1`;
    const { rows } = await this.#database.read({ name: 'ledger_place_of', text, values: [topic, partition, String(offset)] });
    return rows[0] === undefined ? undefined : placeOf(rows[0]);
  }

  override async evidence(at: LedgerPartition, leaf: LeafTileAt): Promise<LedgerEvidence> {
    const [statement, value] = 'index' in leaf ? [evidenceByIndex, leaf.index] : [evidenceByOffset, leaf.offset];
    const { rows } = await this.#database.read({ ...statement, values: [at.topic, at.partition, String(value)] });
    return evidenceOf(at, rows);
  }

  override async placesAt(idMs: number, limit: number): Promise<ReadonlyArray<LedgerPartition & LeafTilePlace>> {
    const text = `
      SELECT ${placeColumns}, topic, partition FROM streams.ledger_tiles
      WHERE level = 0 AND ids @> $1::bigint ORDER BY lower(ids), topic, partition, index LIMIT $2`;
    const { rows } = await this.#database.read({ name: 'ledger_places_at', text, values: [Math.trunc(idMs), limit] });
    return rows.map((row) => ({ topic: row[5] ?? '', partition: Number(row[6]), ...placeOf(row) }));
  }

  override async keep(checkpoints: readonly LedgerCheckpoint[]): Promise<void> {
    if (checkpoints.length === 0) return;
    const columns = [
      textArray(checkpoints.map(({ topic }) => topic)),
      columnArray(
        'bigint',
        checkpoints.map(({ partition }) => partition),
      ),
      columnArray(
        'bigint',
        checkpoints.map(({ size }) => size),
      ),
      textArray(checkpoints.map(({ note }) => note)),
    ];
    const insert = `
      INSERT INTO streams.ledger_checkpoints (topic, partition, size, note) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[])
      ON CONFLICT (topic, partition, size) DO UPDATE SET note = excluded.note`;
    // What is older than an hour, and not the last of its hour.
    const thin = `
      DELETE FROM streams.ledger_checkpoints AS old WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[])) AND kept_at < now() - interval '1 hour'
        AND EXISTS (SELECT FROM streams.ledger_checkpoints AS later WHERE later.topic = old.topic AND later.partition = old.partition AND later.size > old.size
          AND date_trunc('hour', later.kept_at) = date_trunc('hour', old.kept_at))`;
    await this.#database.read({ name: 'keep_checkpoints', text: insert, values: columns });
    await this.#database.read({ name: 'thin_checkpoints', text: thin, values: columns.slice(0, 2) });
  }

  override async checkpoint(at: LedgerPartition): Promise<LedgerCheckpoint | undefined> {
    return (await this.checkpoints(at, 1))[0];
  }

  override async checkpoints({ topic, partition }: LedgerPartition, limit: number): Promise<readonly LedgerCheckpoint[]> {
    const text = 'SELECT size, note FROM streams.ledger_checkpoints WHERE topic = $1 AND partition = $2 ORDER BY size DESC LIMIT $3';
    const { rows } = await this.#database.read({ name: 'ledger_checkpoints', text, values: [topic, partition, limit] });
    return rows.map(([size, note]) => ({ topic, partition, size: Number(size), note: note ?? '' }));
  }

  override async keyCount(): Promise<number> {
    const { rows } = await this.#database.read({ text: 'SELECT max(number) FROM streams.ledger_keys' });
    return Number(rows[0]?.[0]);
  }

  override async addKey(count: number): Promise<boolean> {
    // Of those who ask at once the others wait for the first, and then find the number taken.
    const text = `
      INSERT INTO streams.ledger_keys (number) SELECT $1 + 1 WHERE $1 = (SELECT max(number) FROM streams.ledger_keys) ON CONFLICT (number) DO NOTHING`;
    return (await this.#database.run({ text, values: [Math.trunc(count)] })).count === 1;
  }

  override async keepKeyList(count: number, note: string): Promise<void> {
    await this.#database.read({ text: 'UPDATE streams.ledger_keys SET list = $2 WHERE number = $1', values: [count, note] });
  }

  override async keyList(): Promise<string | undefined> {
    const { rows } = await this.#database.read({ text: 'SELECT list FROM streams.ledger_keys WHERE list IS NOT NULL ORDER BY number DESC LIMIT 1' });
    return rows[0]?.[0] ?? undefined;
  }

  override async keepTreeList(records: number, note: string): Promise<void> {
    const text = `
      INSERT INTO streams.ledger_tree_list AS kept (records, note) VALUES ($1, $2)
      ON CONFLICT (one) DO UPDATE SET records = excluded.records, note = excluded.note WHERE kept.records <= excluded.records`;
    await this.#database.read({ text, values: [records, note] });
  }

  override async treeList(): Promise<string | undefined> {
    const { rows } = await this.#database.read({ text: 'SELECT note FROM streams.ledger_tree_list' });
    return rows[0]?.[0] ?? undefined;
  }

  override async witnesses(): Promise<readonly LedgerWitness[]> {
    const { rows } = await this.#database.read({ text: 'SELECT edge_id, verifier_key FROM streams.ledger_witnesses ORDER BY edge_id' });
    return rows.map(([edgeId, verifierKey]) => ({ edgeId: edgeId ?? '', verifierKey: verifierKey ?? '' }));
  }

  override async meet(witness: LedgerWitness): Promise<LedgerWitness> {
    const text = `
      INSERT INTO streams.ledger_witnesses (edge_id, verifier_key) VALUES ($1, $2) ON CONFLICT (edge_id) DO UPDATE SET edge_id = excluded.edge_id
      RETURNING edge_id, verifier_key`;
    const { rows } = await this.#database.read({ text, values: [witness.edgeId, witness.verifierKey] });
    return { edgeId: rows[0]?.[0] ?? '', verifierKey: rows[0]?.[1] ?? '' };
  }

  override async replaceWitness({ edgeId, verifierKey: wrong }: LedgerWitness, verifierKey: string): Promise<LedgerWitness> {
    const text = 'UPDATE streams.ledger_witnesses SET verifier_key = $3 WHERE edge_id = $1 AND verifier_key = $2';
    await this.#database.read({ text, values: [edgeId, wrong, verifierKey] });
    return this.meet({ edgeId, verifierKey });
  }
}

const writeTiles = `
  INSERT INTO streams.ledger_tiles (topic, partition, level, index, width, hashes, first_offset, ids, id_prints)
  SELECT topic, partition, level, index, width, substr($1::bytea, start, width * 32), first_offset, CASE WHEN first_id IS NOT NULL THEN int8range(first_id, last_id, '[]') END,
    CASE WHEN first_id IS NOT NULL THEN substr($11::bytea, print_start, width * 2) END
  FROM unnest($2::text[], $3::int[], $4::smallint[], $5::bigint[], $6::smallint[], $7::int[], $8::bigint[], $9::bigint[], $10::bigint[], $12::int[])
    AS grown (topic, partition, level, index, width, start, first_offset, first_id, last_id, print_start)
  ON CONFLICT (topic, partition, level, index) DO UPDATE SET width = excluded.width, hashes = excluded.hashes, ids = excluded.ids, id_prints = excluded.id_prints`;

function growthColumns(growths: readonly LedgerGrowth[]): readonly string[] {
  const column = (of: (growth: LedgerGrowth) => number | bigint | undefined): string => columnArray('bigint', growths.map(of));
  return [
    textArray(growths.map(({ topic }) => topic)),
    column(({ partition }) => partition),
    column(({ epoch }) => epoch),
    column(({ fromSize }) => fromSize),
    column(({ size }) => size),
    column(({ position }) => position),
    column(({ lastOffset }) => lastOffset),
    column(({ beginsAt }) => beginsAt),
  ];
}

function progressOf([topic, partition, size, position, lastOffset, beginsAt]: TextRow): LedgerProgress {
  return {
    topic: topic ?? '',
    partition: Number(partition),
    size: Number(size),
    position: BigInt(position ?? 0),
    lastOffset: lastOffset === null || lastOffset === undefined ? undefined : BigInt(lastOffset),
    beginsAt: BigInt(beginsAt ?? 0),
  };
}

function placeOf([index, firstOffset, firstIdMs, lastIdMs, idPrints]: TextRow): LeafTilePlace {
  return {
    index: Number(index),
    firstOffset: BigInt(firstOffset ?? 0),
    firstIdMs: Number(firstIdMs),
    lastIdMs: Number(lastIdMs),
    idPrints: Buffer.from(idPrints ?? '', 'hex'),
  };
}
