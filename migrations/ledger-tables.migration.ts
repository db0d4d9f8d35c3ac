import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit ledger: how far each tree has come, its tiles, and what was signed of it. Tiles are hashes, which nothing
 * compresses. `log` of a tree is the
 * engine that its offsets were last translated to. `ids` of a tile of level 0 is the range of times that the ids of its records name.
 */
export class LedgerTables1795687600000 implements MigrationInterface {
  readonly name = 'LedgerTables1795687600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const statements = [
  `CREATE TABLE streams.ledger_trees (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    epoch bigint NOT NULL,
    size bigint NOT NULL DEFAULT 0,
    position bigint NOT NULL DEFAULT 0,
    last_offset bigint,
    log text,
    PRIMARY KEY (topic, partition)
  )`,
  `CREATE TABLE streams.ledger_tiles (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    level smallint NOT NULL,
    index bigint NOT NULL,
    width smallint NOT NULL,
    hashes bytea STORAGE EXTERNAL NOT NULL,
    first_offset bigint,
    ids int8range,
    id_prints bytea,
    PRIMARY KEY (topic, partition, level, index)
  )`,
  `CREATE INDEX ledger_tiles_ids ON streams.ledger_tiles USING gist (ids) WHERE level = 0`,
  `CREATE INDEX ledger_tiles_offsets ON streams.ledger_tiles (topic, partition, first_offset) WHERE level = 0`,
  `CREATE TABLE streams.ledger_checkpoints (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, size)
  )`,
  `CREATE TABLE streams.ledger_keys (
    number integer PRIMARY KEY,
    list text,
    made_at timestamptz NOT NULL DEFAULT now()
  )`,
  `INSERT INTO streams.ledger_keys (number) VALUES (1)`,
  `CREATE TABLE streams.ledger_witnesses (
    edge_id text COLLATE "C" PRIMARY KEY,
    verifier_key text NOT NULL,
    met_at timestamptz NOT NULL DEFAULT now()
  )`,
];
