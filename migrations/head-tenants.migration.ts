import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Heads know whose they are. What is older than tenants is the platform's own; a new head belongs to the tenant of its
 * first event. The function keeps its signature, so that processes of the version before go on working meanwhile.
 */
export class HeadTenants1795678800000 implements MigrationInterface {
  readonly name = 'HeadTenants1795678800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE streams.heads ADD COLUMN tenant text COLLATE "C" NOT NULL DEFAULT 'default'`);
    await runner.query(commitHead);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const commitHead = `
  CREATE OR REPLACE FUNCTION streams.commit_head(p_context text, p_id text, p_expected bigint, p_version bigint, p_state jsonb, p_keys text[], p_headers text[], p_values text[])
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
        INSERT INTO streams.heads (context, id, version, state, tenant)
          VALUES (p_context, p_id, p_version, p_state, coalesce(p_headers[1]::json ->> 'ce_tenant', 'default')) ON CONFLICT DO NOTHING;
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
