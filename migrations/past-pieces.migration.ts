import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What read models were at earlier moments, in pieces that join (docs/adr/0022). */
export class PastPieces1795702000000 implements MigrationInterface {
  readonly name = 'PastPieces1795702000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [pieces, blocks]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const pieces = `
  CREATE TABLE streams.past_pieces (
    piece bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log text COLLATE "C" NOT NULL,
    projection text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    first bigint NOT NULL,
    next bigint NOT NULL CHECK (next > first),
    last_recorded_ms bigint,
    UNIQUE (log, projection, version, topic, partition, first, next)
  )`;

/** Compressed already: the server need not try again. */
const blocks = `
  CREATE TABLE streams.past_blocks (
    piece bigint NOT NULL REFERENCES streams.past_pieces ON DELETE CASCADE,
    table_name text COLLATE "C" NOT NULL,
    first_key text COLLATE "C" NOT NULL,
    last_key text COLLATE "C" NOT NULL,
    row_count integer NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (piece, table_name, first_key)
  );
  ALTER TABLE streams.past_blocks ALTER COLUMN bytes SET STORAGE EXTERNAL`;
