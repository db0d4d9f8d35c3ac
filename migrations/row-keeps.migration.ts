import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How long rows of expiring tables are kept; the horizon holds still within a transaction. */
export class RowKeeps1795710000000 implements MigrationInterface {
  readonly name = 'RowKeeps1795710000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams.row_keeps (
        table_name text COLLATE "C" PRIMARY KEY,
        keep_ms bigint NOT NULL CHECK (keep_ms > 0)
      )`);
    await runner.query(`
      CREATE FUNCTION streams.row_horizon(name text) RETURNS bigint LANGUAGE sql STABLE AS $$
        SELECT (extract(epoch FROM now()) * 1000)::bigint - keep_ms FROM streams.row_keeps WHERE table_name = name
      $$`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
