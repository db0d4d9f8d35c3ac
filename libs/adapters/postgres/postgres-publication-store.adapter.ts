import {
  publicationDaysMin,
  PublicationStore,
  type KnownPublication,
  type Position,
  type PublicationBatch,
  type PublicationEntry,
  type Reservation,
  type Reserved,
} from '#ports';
import { textArray } from './array-literal.ts';
import { sqlState } from './database-errors.ts';
import type { Database, TextRow } from './database.ts';

const partitionBits = 12n;
const partitionMask = (1n << partitionBits) - 1n;
/** What two processes that make the same table at once see: one of them was first. */
const madeMeanwhile = /^(23505|42P07)$/;

/** Publications in `streams.publications`, a table per day, and `streams.publication_batches`. */
export class PostgresPublicationStore extends PublicationStore {
  readonly #database: Database;
  /** Days whose table is known to be there. */
  readonly #days = new Set([0]);

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async reserve({ producer, epoch, batches }: Reservation): Promise<Reserved> {
    const entries = batches.flatMap((batch) => batch.entries);
    await this.#makeDays(entries);
    const topics = textArray(batches.map(({ topic }) => topic));
    const heads = textArray(batches.map((batch) => `{${batch.heads.join(',')}}`));
    const indexes = batches.flatMap(({ entries }, at) => entries.map(() => at + 1));
    const places = batches.flatMap(({ entries }) => entries.map((_, place) => place));
    const values = [producer, String(epoch), topics, heads, literal(indexes), literal(places), ...columnsOf(entries)];
    const text = 'SELECT batches, entry, batch, place, digest FROM streams.reserve_publications($1, $2, $3, $4, $5, $6, $7, $8, $9)';
    const { rows } = await this.#database.run({ name: 'reserve_publications', text, values });
    return {
      ids: bigints(rows[0]?.[0] ?? '{}'),
      known: rows.slice(1).map((row) => knownOf(row, indexes, places)),
    };
  }

  async #makeDays(entries: readonly PublicationEntry[]): Promise<void> {
    for (const { day } of entries) if (!this.#days.has(day)) await this.#makeDay(day);
  }

  async #makeDay(day: number): Promise<void> {
    const text = `CREATE TABLE IF NOT EXISTS streams.publications_${Math.trunc(day)} PARTITION OF streams.publications FOR VALUES IN (${Math.trunc(day)})`;
    await this.#database.run({ text }).catch((error: unknown) => {
      if (!madeMeanwhile.test(sqlState(error))) throw error;
    });
    this.#days.add(day);
  }

  override async settle(batch: bigint, positions: readonly (Position | undefined)[]): Promise<boolean> {
    const text = 'UPDATE streams.publication_batches SET positions = $2 WHERE batch = $1 AND positions IS NULL';
    const { count } = await this.#database.read({ name: 'settle_publications', text, values: [String(batch), literal(positions.map(packed))] });
    return count === 1;
  }

  override async batches(ids: readonly bigint[]): Promise<readonly PublicationBatch[]> {
    if (ids.length === 0) return [];
    const text = `SELECT ${batchColumns} FROM streams.publication_batches WHERE batch = ANY ($1::bigint[])`;
    const { rows } = await this.#database.read({ name: 'publication_batches', text, values: [literal(ids)] });
    return rows.map(batchOf);
  }

  override async unsettled(olderThanMs: number, limit: number): Promise<readonly PublicationBatch[]> {
    const text = `
      SELECT ${batchColumns} FROM streams.publication_batches
      WHERE positions IS NULL AND reserved_at <= now() - $1::double precision * interval '1 ms' ORDER BY reserved_at LIMIT $2`;
    const { rows } = await this.#database.read({ name: 'unsettled_publications', text, values: [olderThanMs, limit] });
    return rows.map(batchOf);
  }

  override async entries(batch: bigint): Promise<ReadonlyArray<{ readonly place: number; readonly key: string }>> {
    const text = 'SELECT place, key FROM streams.publications WHERE batch = $1 ORDER BY place';
    const { rows } = await this.#database.read({ name: 'publications_of_batch', text, values: [String(batch)] });
    return rows.map(([place, key]) => ({ place: Number(place), key: key ?? '' }));
  }

  override async forget(today: number): Promise<void> {
    const { rows } = await this.#database.read({
      text: `SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'streams.publications'::regclass`,
    });
    for (const [name] of rows) {
      const day = Number(/^publications_(\d+)$/.exec(name ?? '')?.[1] ?? 0);
      if (day === 0 || day >= today - publicationDaysMin - 1) continue;
      this.#days.delete(day);
      await this.#database.run({ text: `DROP TABLE IF EXISTS streams.publications_${day}` });
    }
    const old = `reserved_at < to_timestamp($1::double precision * 86400)`;
    const values = [today - publicationDaysMin - 2];
    const text = `DELETE FROM streams.publications_0 WHERE batch IN (SELECT batch FROM streams.publication_batches WHERE ${old})`;
    await this.#database.run({ text, values });
    await this.#database.run({ text: `DELETE FROM streams.publication_batches WHERE ${old}`, values });
  }
}

const batchColumns = 'batch, topic, producer, epoch, heads, positions';

function literal(values: ReadonlyArray<number | bigint | string>): string {
  return `{${values.join(',')}}`;
}

function columnsOf(entries: readonly PublicationEntry[]): readonly string[] {
  return [literal(entries.map(({ day }) => day)), literal(entries.map(({ key }) => key)), literal(entries.map(({ digest }) => digest))];
}

function packed(position: Position | undefined): bigint {
  return position === undefined ? -1n : (position.offset << partitionBits) | BigInt(position.partition);
}

function unpacked(value: bigint): Position | undefined {
  return value < 0n ? undefined : { partition: Number(value & partitionMask), offset: value >> partitionBits };
}

function bigints(array: string): readonly bigint[] {
  return array === '{}' ? [] : array.slice(1, -1).split(',').map(BigInt);
}

function batchOf([id, topic, producer, epoch, heads, positions]: TextRow): PublicationBatch {
  return {
    id: BigInt(id ?? 0),
    topic: topic ?? '',
    producer: producer ?? '',
    epoch: BigInt(epoch ?? 0),
    heads: bigints(heads ?? '{}'),
    positions: positions === null || positions === undefined ? undefined : bigints(positions).map(unpacked),
  };
}

function knownOf([, entry, batch, place, digest]: TextRow, indexes: readonly number[], places: readonly number[]): KnownPublication {
  const at = Number(entry) - 1;
  return {
    batchIndex: (indexes[at] as number) - 1,
    entryIndex: places[at] as number,
    batch: BigInt(batch ?? 0),
    place: Number(place),
    digest: BigInt(digest ?? 0),
  };
}
