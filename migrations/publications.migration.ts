import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which ids were published, and where: rows of about a hundred bytes, by the day of the id, so that a day is forgotten by
 * dropping its table. `positions` of a batch: `offset << 12 | partition` per place, -1 for one that is not on the log.
 */
export class Publications1795680000000 implements MigrationInterface {
  readonly name = 'Publications1795680000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [batches, ...publications, reserve]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const batches = `
  CREATE TABLE streams.publication_batches (
    batch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch bigint NOT NULL,
    reserved_at timestamptz NOT NULL DEFAULT now(),
    topic text COLLATE "C" NOT NULL,
    producer text COLLATE "C" NOT NULL,
    heads bigint[] NOT NULL,
    positions bigint[]
  );
  CREATE INDEX publication_batches_reserved ON streams.publication_batches (reserved_at);
  CREATE INDEX publication_batches_unsettled ON streams.publication_batches (reserved_at) WHERE positions IS NULL`;

/** Day 0 holds the ids that name no time; tables of the days come and go with them. */
const publications = [
  `CREATE TABLE streams.publications (
    key uuid NOT NULL,
    batch bigint NOT NULL,
    digest bigint NOT NULL,
    day integer NOT NULL,
    place integer NOT NULL,
    PRIMARY KEY (day, key)
  ) PARTITION BY LIST (day)`,
  `CREATE TABLE streams.publications_0 PARTITION OF streams.publications FOR VALUES IN (0)`,
  // Batches count up with the rows: such an index costs next to nothing, and finds the rows of a batch.
  `CREATE INDEX publications_batch ON streams.publications USING brin (batch) WITH (pages_per_range = 32, autosummarize = on)`,
];

/**
 * Takes the ids that are free and answers those that are not. Rows go in the order of their keys, so that two gateways that
 * want the same ones wait for each other instead of blocking each other. An id whose batch is settled without it is free.
 */
const reserve = `
  CREATE FUNCTION streams.reserve_publications(
    p_producer text, p_epoch bigint, p_topics text[], p_heads text[], p_batches integer[], p_places integer[], p_days integer[], p_keys uuid[], p_digests bigint[]
  ) RETURNS TABLE (batches bigint[], entry integer, batch bigint, place integer, digest bigint) LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    v_batches bigint[] := '{}';
    v_batch bigint;
    v_taken bigint;
  BEGIN
    FOR at IN 1 .. cardinality(p_topics) LOOP
      INSERT INTO streams.publication_batches (topic, producer, epoch, heads) VALUES (p_topics[at], p_producer, p_epoch, p_heads[at]::bigint[])
        RETURNING batch INTO v_batch;
      v_batches := v_batches || v_batch;
    END LOOP;
    INSERT INTO streams.publications (key, batch, digest, day, place)
      SELECT asked.key, v_batches[asked.batch], asked.digest, asked.day, asked.place
      FROM unnest(p_batches, p_places, p_days, p_keys, p_digests) AS asked (batch, place, day, key, digest) ORDER BY asked.day, asked.key
      ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    RETURN QUERY SELECT v_batches, NULL::integer, NULL::bigint, NULL::integer, NULL::bigint;
    IF v_taken = cardinality(p_keys) THEN RETURN; END IF;
    UPDATE streams.publications AS mine SET batch = v_batches[asked.batch], digest = asked.digest, place = asked.place
      FROM unnest(p_batches, p_places, p_days, p_keys, p_digests) AS asked (batch, place, day, key, digest)
      WHERE mine.day = asked.day AND mine.key = asked.key AND mine.batch <> ALL (v_batches)
        AND EXISTS (SELECT FROM streams.publication_batches AS held WHERE held.batch = mine.batch AND held.positions[mine.place + 1] = -1);
    RETURN QUERY SELECT NULL::bigint[], asked.entry::integer, held.batch, held.place, held.digest
      FROM unnest(p_days, p_keys) WITH ORDINALITY AS asked (day, key, entry) JOIN streams.publications AS held ON held.day = asked.day AND held.key = asked.key
      WHERE held.batch <> ALL (v_batches);
  END $$`;
