import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Events that versions of projections have set aside, each with the queue of its key behind it: the log keeps the events,
 * here is how far they are taken. `shelf` is empty for the version that the host feeds, and the build that is kept for
 * what went with its rows. Keys are JSON strings without their quotes, for a text of PostgreSQL holds no NUL.
 */
export class ParkedEvents1795705200000 implements MigrationInterface {
  readonly name = 'ParkedEvents1795705200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [parkedEvents, ...indexes]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const parkedEvents = `
  CREATE TABLE streams.parked_events (
    projection text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    shelf text COLLATE "C" NOT NULL DEFAULT '',
    key text COLLATE "C" NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    recorded_at_ms bigint NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    stack text NOT NULL,
    attempts integer NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    late boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'redriven', 'discarded')),
    next bigint NOT NULL,
    held bigint NOT NULL DEFAULT 0,
    applied bigint NOT NULL DEFAULT 0,
    order_id text,
    order_verb text CHECK (order_verb IN ('retry', 'discard')),
    order_failed boolean NOT NULL DEFAULT false,
    told boolean NOT NULL DEFAULT false,
    PRIMARY KEY (projection, version, topic, partition, record_offset, shelf)
  ) WITH (fillfactor = 70)`;

const indexes = [
  // A key has one queue.
  `CREATE UNIQUE INDEX parked_events_key ON streams.parked_events (projection, version, topic, partition, md5(key)) WHERE state = 'parked' AND NOT late AND shelf = ''`,
  `CREATE INDEX parked_events_ordered ON streams.parked_events (order_id) WHERE order_id IS NOT NULL`,
  `CREATE INDEX parked_events_untold ON streams.parked_events (parked_at) WHERE NOT told OR state <> 'parked' OR order_failed`,
];
