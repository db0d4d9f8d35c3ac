import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The platform's own tables, in the schema `streams`, and the schema `read`, which holds the views of read models.
 * Read models themselves are made from their table specs, one schema per projection and version.
 */
export class PlatformTables1795390073000 implements MigrationInterface {
  readonly name = 'PlatformTables1795390073000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [heads, ...outbox, commitHead, leases, checkpoints, projectionVersions, 'CREATE SCHEMA IF NOT EXISTS read'])
      await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const heads = `
  CREATE TABLE streams.heads (
    context text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    state jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (context, id)
  );
  CREATE INDEX heads_state ON streams.heads USING gin (state jsonb_path_ops)`;

/**
 * The queue between a commit and the log. Its counters are rows, not sequences: a sequence hands out numbers in the order
 * of asking, and whoever read up to number 7 would never see number 6 whose transaction committed later. The one row of
 * outbox_state is locked until the commit is done, so numbers have no gaps and follow the order of commits.
 */
const outbox = [
  `CREATE TABLE streams.outbox_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    incarnation bigint NOT NULL,
    last bigint NOT NULL
  )`,
  `INSERT INTO streams.outbox_state (incarnation, last) VALUES ((extract(epoch FROM clock_timestamp()) * 1000)::bigint, 0)`,
  `CREATE TABLE streams.outbox_topics (topic text COLLATE "C" PRIMARY KEY, last bigint NOT NULL)`,
  `CREATE TABLE streams.outbox (
    sequence bigint PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    topic_sequence bigint NOT NULL,
    key text NOT NULL,
    headers json NOT NULL,
    value text NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)`,
];

/**
 * Writes a head and its outbox rows; false when the head is not at the expected version. A function, so that the counter
 * is locked for as long as the database needs and never for as long as a client thinks. A version that stays as it was
 * means that the events are facts about a refusal: the head is not touched.
 */
const commitHead = `
  CREATE FUNCTION streams.commit_head(p_context text, p_id text, p_expected bigint, p_version bigint, p_state jsonb, p_keys text[], p_headers text[], p_values text[])
  RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    v_count bigint := cardinality(p_keys);
    v_base bigint;
    v_topic_base bigint;
  BEGIN
    IF p_version = p_expected THEN
      PERFORM 1 FROM streams.heads WHERE context = p_context AND id = p_id AND version = p_expected FOR SHARE;
      IF NOT FOUND AND (p_expected > 0 OR EXISTS (SELECT FROM streams.heads WHERE context = p_context AND id = p_id)) THEN RETURN false; END IF;
    ELSE
      IF p_expected = 0 THEN
        INSERT INTO streams.heads (context, id, version, state) VALUES (p_context, p_id, p_version, p_state) ON CONFLICT DO NOTHING;
      ELSE
        UPDATE streams.heads SET version = p_version, state = p_state, changed_at = now() WHERE context = p_context AND id = p_id AND version = p_expected;
      END IF;
      IF NOT FOUND THEN RETURN false; END IF;
    END IF;
    IF v_count = 0 THEN RETURN true; END IF;
    UPDATE streams.outbox_state SET last = last + v_count RETURNING last - v_count INTO v_base;
    INSERT INTO streams.outbox_topics AS mine (topic, last) VALUES (p_context, v_count)
      ON CONFLICT (topic) DO UPDATE SET last = mine.last + v_count RETURNING last - v_count INTO v_topic_base;
    INSERT INTO streams.outbox (sequence, topic, topic_sequence, key, headers, value)
      SELECT v_base + at, p_context, v_topic_base + at, key, headers::json, value
      FROM unnest(p_keys, p_headers, p_values) WITH ORDINALITY AS event (key, headers, value, at);
    RETURN true;
  END $$`;

/** Rows stay when a lease is released, for its epoch goes on growing; a released one expired at the beginning of time. */
const leases = `
  CREATE TABLE streams.leases (
    name text COLLATE "C" PRIMARY KEY,
    owner text NOT NULL,
    epoch bigint NOT NULL,
    expires_at timestamptz NOT NULL
  )`;

const checkpoints = `
  CREATE TABLE streams.checkpoints (
    projection text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    epoch bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (projection, version, topic, partition)
  ) WITH (fillfactor = 50)`;

/** `tables` is the spec that the version's schema was made from; `serving` marks the version that readers see. */
const projectionVersions = `
  CREATE TABLE streams.projection_versions (
    projection text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    tables jsonb NOT NULL,
    serving boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, version)
  );
  CREATE UNIQUE INDEX projection_serving ON streams.projection_versions (projection) WHERE serving`;
