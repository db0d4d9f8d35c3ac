import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The event index: a row per event, in the order of time. What singles an event out (its id, its cause, its request) has a
 * b-tree; everything else has a BRIN, a summary of each 64 pages that costs a fifteenth of the b-trees that it replaces
 * (docs/adr/0026). The b-tree of time is on an expression, so that a statement chooses by how it is written: `recorded_at + 0`
 * walks the tree, `recorded_at` goes by the summaries. `root` is a hash of the subject's first part. `odd` holds ids that
 * are no UUIDs as they were; their columns have a hash then.
 */
export class EventIndex1795704000000 implements MigrationInterface {
  readonly name = 'EventIndex1795704000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const statements = [
  `CREATE TABLE streams.event_index (
    recorded_at bigint NOT NULL,
    id uuid NOT NULL,
    correlation uuid NOT NULL,
    causation uuid NOT NULL,
    happened_at bigint NOT NULL,
    record_offset bigint NOT NULL,
    root bigint NOT NULL,
    type integer NOT NULL,
    tenant integer NOT NULL,
    actor integer NOT NULL,
    lane smallint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    odd jsonb
  )`,
  'CREATE INDEX event_index_time ON streams.event_index ((recorded_at + 0))',
  'CREATE INDEX event_index_id ON streams.event_index (id)',
  'CREATE INDEX event_index_correlation ON streams.event_index (correlation)',
  'CREATE INDEX event_index_causation ON streams.event_index (causation)',
  `CREATE INDEX event_index_summary ON streams.event_index USING brin (
    recorded_at, type int4_bloom_ops (n_distinct_per_range = 64), tenant int4_bloom_ops (n_distinct_per_range = 64),
    actor int4_bloom_ops (n_distinct_per_range = 512), root int8_bloom_ops (n_distinct_per_range = 4000)
  ) WITH (pages_per_range = 64)`,
  `CREATE TABLE streams.event_index_terms (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind "char" NOT NULL,
    term text COLLATE "C" NOT NULL,
    UNIQUE (kind, term)
  )`,
  `CREATE TABLE streams.event_index_positions (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition)
  )`,
  'CREATE TABLE streams.event_index_marks (rows bigint PRIMARY KEY, recorded_at bigint NOT NULL)',
  `CREATE TABLE streams.event_index_state (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    version integer NOT NULL DEFAULT 0,
    log text,
    epoch bigint NOT NULL DEFAULT 0,
    generation integer NOT NULL DEFAULT 0,
    rows bigint NOT NULL DEFAULT 0
  )`,
  'INSERT INTO streams.event_index_state DEFAULT VALUES',
];
