import type { TableSpec } from '#kernel';
import type { Database } from './database.ts';
import { horizonSql, schemaOf } from './table-sql.ts';

/**
 * How long rows of expiring tables (`expires` of their spec) are kept. Readers see no row that has expired, whether it was
 * removed already or not, for their views ask `streams.row_keeps` as well; the database's clock decides. A table that nobody set a
 * time for keeps its rows for ever.
 */
export class RowRetention {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Sets for how long, ms, by table; tables that are not named stay as they are. All processes go by it at once. */
  async keep(keeps: Readonly<Record<string, number>>): Promise<void> {
    const text = `INSERT INTO streams.row_keeps (table_name, keep_ms) SELECT * FROM unnest($1::text[], $2::bigint[])
      ON CONFLICT (table_name) DO UPDATE SET keep_ms = excluded.keep_ms`;
    await this.#database.run({ text, values: [Object.keys(keeps), Object.values(keeps)] });
  }

  /** What was set, ms by table. */
  async keeps(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.#database.read({ text: 'SELECT table_name, keep_ms FROM streams.row_keeps' });
    return new Map(rows.map(([name, keepMs]) => [name ?? '', Number(keepMs)]));
  }

  /**
   * Removes rows that have expired, at most so many of each table of each version. Passes over those that are just being
   * written. Answers how many it has removed.
   */
  async sweep(rowsMax: number): Promise<number> {
    const { rows } = await this.#database.read({ text: 'SELECT projection, version, tables FROM streams.projection_versions' });
    let removed = 0;
    for (const [name, version, tables] of rows) {
      const schema = schemaOf({ name: name ?? '', version: Number(version) });
      for (const table of JSON.parse(tables ?? '[]') as readonly TableSpec[]) removed += await this.#sweepTable(schema, table, rowsMax);
    }
    return removed;
  }

  /** Rows are locked in whatever order: by never waiting for one, it never stands in anybody's way for good. */
  async #sweepTable(schema: string, { name, expires }: TableSpec, rowsMax: number): Promise<number> {
    if (expires === undefined) return 0;
    const table = `${schema}."${name}"`;
    const there = await this.#database.read({ text: 'SELECT to_regclass($1) IS NOT NULL', values: [table] });
    if (there.rows[0]?.[0] !== 't') return 0;
    const text = `WITH expired AS (
        SELECT ctid FROM ${table} WHERE "${expires.newest}" < ${horizonSql(name)} ORDER BY "${expires.newest}" LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED
      ) DELETE FROM ${table} AS old USING expired WHERE old.ctid = expired.ctid`;
    return (await this.#database.run({ text })).count;
  }
}
