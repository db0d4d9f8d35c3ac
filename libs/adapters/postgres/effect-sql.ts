import { effectColumns } from './effect-rows.ts';

export const insertEffects = `
  INSERT INTO streams.effects (key, reactor, kind, lane, payload, intent_index, event_id, event_type, correlation_id, traceparent, tenant, topic, partition, event_offset)
  SELECT key, $1, kind, lane, payload::jsonb, intent_index, event_id, event_type, correlation_id, traceparent, tenant, $2, $3, event_offset
  FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[])
    AS asked (key, kind, lane, payload, intent_index, event_id, event_type, correlation_id, traceparent, tenant, event_offset)
  ON CONFLICT (key) DO NOTHING`;

/** One that is pending anyway is tried at once; whoever performs it now goes on. */
export const repeatEffects = `
  UPDATE streams.effects SET state = 'pending', next_try_at = clock_timestamp(), ended_at = NULL,
    attempts = CASE WHEN state = 'pending' THEN attempts ELSE 0 END, starts = CASE WHEN state = 'pending' THEN starts ELSE 0 END,
    round = CASE WHEN state = 'pending' THEN round ELSE round + 1 END, queued_at = CASE WHEN state = 'pending' THEN queued_at END
  WHERE key = ANY ($1::text[])`;

/**
 * The lanes that have something pending, found by hopping over the index from one to the next, however much waits in each;
 * then of each lane what is due, up to what it and its tenant may have in the queue. Two who ask at once may give them a little more.
 */
export const enlistStatement = `
  WITH RECURSIVE lanes AS (
    (SELECT kind, lane, tenant FROM streams.effects WHERE state = 'pending' ORDER BY kind, lane LIMIT 1)
    UNION ALL
    SELECT next.kind, next.lane, next.tenant FROM lanes, LATERAL (
      SELECT kind, lane, tenant FROM streams.effects WHERE state = 'pending' AND (kind, lane) > (lanes.kind, lanes.lane) ORDER BY kind, lane LIMIT 1) AS next
  ), room AS (
    SELECT kind, lane, tenant, (
      SELECT count(*) FROM streams.effects AS queued WHERE queued.state = 'pending' AND queued.queued_at IS NOT NULL AND queued.kind = lanes.kind
        AND queued.lane = lanes.lane AND queued.queued_at > clock_timestamp() - $3::double precision * interval '1 ms') AS queued
    FROM lanes
  ), share AS (
    SELECT kind, tenant, $4::bigint - sum(queued)::bigint AS places FROM room GROUP BY kind, tenant
  ), due AS (
    SELECT due.key, due.next_try_at, share.places, row_number() OVER (PARTITION BY room.kind, room.tenant ORDER BY due.next_try_at) AS place
    FROM room JOIN share USING (kind, tenant), LATERAL (
      SELECT key, next_try_at FROM streams.effects AS waiting
      WHERE waiting.state = 'pending' AND waiting.kind = room.kind AND waiting.lane = room.lane AND waiting.next_try_at <= clock_timestamp()
        AND (waiting.queued_at IS NULL OR waiting.queued_at <= clock_timestamp() - $3::double precision * interval '1 ms')
      ORDER BY waiting.next_try_at LIMIT greatest(0, least($1::bigint - room.queued, share.places))) AS due
  ), chosen AS (
    SELECT key FROM due WHERE place <= places ORDER BY next_try_at LIMIT $2
  )
  UPDATE streams.effects AS mine SET queued_at = clock_timestamp() FROM chosen
  WHERE mine.key = chosen.key AND mine.state = 'pending' RETURNING mine.key, mine.kind`;

/** What is over gives its place in the queue back, and so does what has to wait. Putting off ($6 = 0) is no attempt. */
export const settleStatement = `
  UPDATE streams.effects SET state = $3, attempts = attempts + $6::int, starts = 0, last_error = coalesce($5, CASE WHEN $3 = 'pending' THEN last_error END),
    next_try_at = clock_timestamp() + $4::double precision * interval '1 ms', queued_at = NULL, claimed_by = NULL, claimed_until = NULL,
    ended_at = CASE WHEN $3 <> 'pending' THEN clock_timestamp() END
  WHERE key = $1 AND claim = $2 AND state = 'pending' AND claimed_by IS NOT NULL RETURNING round`;

export const listStatement = `
  SELECT ${effectColumns} FROM streams.effects
  WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR lane = $2) AND ($3::text IS NULL OR tenant = $3) AND ($4::text[] IS NULL OR state = ANY ($4))
    AND ($5::bigint IS NULL OR ((extract(epoch FROM created_at) * 1000)::bigint, key) < ($5, $6::text))
  ORDER BY created_at DESC, key DESC LIMIT $7`;
