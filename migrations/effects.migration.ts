import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The ledger of effects: how far reactors have read, what they asked for, and each try of it. `reactor_positions` has one row
 * per partition for all versions of a reactor: whoever writes a greater version into it has taken over. An effect in the
 * queue has a `queued_at`; `claim`, `claimed_by` and `claimed_until` say who performs it.
 */
export class Effects1795712400000 implements MigrationInterface {
  readonly name = 'Effects1795712400000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [positions, effects, attempts, putOut]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const positions = `
  CREATE TABLE streams.reactor_positions (
    reactor text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL,
    epoch bigint NOT NULL,
    reset integer NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (reactor, topic, partition)
  ) WITH (fillfactor = 50)`;

const effects = `
  CREATE TABLE streams.effects (
    key text COLLATE "C" PRIMARY KEY,
    reactor text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    lane text COLLATE "C" NOT NULL,
    payload jsonb NOT NULL,
    intent_index integer NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    correlation_id text NOT NULL,
    traceparent text NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    event_offset bigint NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'succeeded', 'failed', 'abandoned')),
    attempts integer NOT NULL DEFAULT 0,
    starts integer NOT NULL DEFAULT 0,
    round integer NOT NULL DEFAULT 0,
    claim bigint NOT NULL DEFAULT 0,
    claimed_by text,
    claimed_until timestamptz,
    queued_at timestamptz,
    next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
  ) WITH (fillfactor = 70);
  CREATE INDEX effects_due ON streams.effects (kind, lane, next_try_at) WHERE state = 'pending';
  CREATE INDEX effects_queued ON streams.effects (kind, lane) WHERE state = 'pending' AND queued_at IS NOT NULL;
  CREATE INDEX effects_lane ON streams.effects (kind, lane, created_at, key);
  CREATE INDEX effects_ended ON streams.effects (ended_at) WHERE state <> 'pending'`;

const attempts = `
  CREATE TABLE streams.effect_attempts (
    key text COLLATE "C" NOT NULL REFERENCES streams.effects ON DELETE CASCADE,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    duration_ms double precision NOT NULL,
    ok boolean NOT NULL,
    status integer,
    detail text NOT NULL,
    PRIMARY KEY (key, number)
  )`;

/** Fills the outbox within the transaction of the caller, as commit_head does: last, because its counter stays locked until the end. */
const putOut = `
  CREATE FUNCTION streams.put_out(p_topic text, p_keys text[], p_headers text[], p_values text[]) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    v_count bigint := cardinality(p_keys);
    v_base bigint;
    v_topic_base bigint;
  BEGIN
    IF v_count = 0 THEN RETURN; END IF;
    UPDATE streams.outbox_state SET last = last + v_count RETURNING last - v_count INTO v_base;
    INSERT INTO streams.outbox_topics AS mine (topic, last) VALUES (p_topic, v_count)
      ON CONFLICT (topic) DO UPDATE SET last = mine.last + v_count RETURNING last - v_count INTO v_topic_base;
    INSERT INTO streams.outbox (sequence, topic, topic_sequence, key, headers, value)
      SELECT v_base + at, p_topic, v_topic_base + at, key, headers::json, value
      FROM unnest(p_keys, p_headers, p_values) WITH ORDINALITY AS event (key, headers, value, at);
  END $$`;
