import type { NewParkedEvent, ParkedQueue, ProjectionCommit, RedriveCommit } from '#ports';
import type { Step } from '../pipeline.ts';

/** A text of PostgreSQL holds no NUL and no half of a surrogate pair; JSON writes both as escapes. */
export function storedKey(key: string): string {
  return JSON.stringify(key).slice(1, -1);
}

function readText(stored: string): string {
  return JSON.parse(`"${stored}"`) as string;
}

/**
 * The column `key` names a queue: the tenant, the end of the line, and the key. Versions that knew no tenants wrote the key
 * alone, and still read that; a queue of a tenant they refuse to read, rather than hold others' events in it and lose them.
 */
export function storedQueue({ key, tenant }: ParkedQueue): string {
  return tenant === undefined ? storedKey(key) : `${storedKey(tenant)}\n${storedKey(key)}`;
}

export function readQueue(stored: string): ParkedQueue {
  const end = stored.indexOf('\n');
  return { key: readText(stored.slice(end + 1)), tenant: end < 0 ? undefined : readText(stored.slice(0, end)) };
}

/** Division by zero stops the transaction when `count` rows were not found as they were expected. */
function exactly(count: string, work: string): string {
  return `WITH ${work}, counted AS (SELECT count(*) AS count FROM done) SELECT 1 / (count = ${count})::integer FROM counted`;
}

const place = 'projection = $1 AND version = $2';

const parkSql = `
  INSERT INTO streams.parked_events (projection, version, topic, partition, record_offset, key, event_id, event_type, recorded_at_ms, code, message, stack, attempts, next, held)
  SELECT $1, $2, topic, partition, "offset", key, event_id, event_type, recorded_at_ms, code, message, stack, attempts, "offset", held
  FROM jsonb_to_recordset($3::jsonb) AS one (topic text, partition integer, "offset" bigint, key text, event_id text, event_type text, recorded_at_ms bigint,
    code text, message text, stack text, attempts integer, held bigint)
  ON CONFLICT (projection, version, topic, partition, record_offset, shelf) DO UPDATE SET
    key = excluded.key, code = excluded.code, message = excluded.message, stack = excluded.stack, attempts = excluded.attempts, parked_at = clock_timestamp(),
    late = false, state = 'parked', next = excluded.next, held = excluded.held, applied = 0, order_id = NULL, order_verb = NULL, order_failed = false, told = false`;

/** Events that would wait where nothing is parked would be left out for good. */
const holdSql = exactly(
  '$4::bigint',
  `done AS (
    UPDATE streams.parked_events AS mine SET held = mine.held + one.count
    FROM jsonb_to_recordset($3::jsonb) AS one (topic text, partition integer, key text, count bigint)
    WHERE ${place} AND mine.topic = one.topic AND mine.partition = one.partition AND mine.key = one.key AND md5(mine.key) = md5(one.key)
      AND state = 'parked' AND NOT late AND shelf = '' RETURNING 1)`,
);

const ended = `CASE order_verb WHEN 'discard' THEN 'discarded' ELSE 'redriven' END`;

const releaseSql = exactly(
  '$4::bigint',
  `done AS (
    UPDATE streams.parked_events AS mine SET state = ${ended}
    FROM jsonb_to_recordset($3::jsonb) AS one (topic text, partition integer, "offset" bigint, next bigint)
    WHERE ${place} AND mine.topic = one.topic AND mine.partition = one.partition AND record_offset = one."offset" AND shelf = ''
      AND state = 'parked' AND mine.next = one.next RETURNING 1)`,
);

/** The checkpoint's row is locked, so that of two owners the older finds that it is not the owner any more. */
const redriveSql = exactly(
  '1',
  `mine AS (SELECT 1 FROM streams.checkpoints WHERE ${place} AND topic = $3 AND partition = $4 AND epoch <= $5::bigint AND NOT switched FOR UPDATE),
  done AS (
    UPDATE streams.parked_events SET
      next = $8::bigint,
      held = held - ($9::bigint - (next <= record_offset AND $8::bigint > record_offset)::integer),
      applied = applied + $9::bigint,
      state = CASE WHEN $10::text IN ('moved', 'taken') THEN ${ended} ELSE state END,
      order_failed = ($10::text = 'failed'),
      attempts = attempts + ($10::text = 'failed')::integer,
      code = CASE WHEN $10::text = 'failed' THEN $11 ELSE code END,
      message = CASE WHEN $10::text = 'failed' THEN $12 ELSE message END,
      stack = CASE WHEN $10::text = 'failed' THEN $13 ELSE stack END
    WHERE ${place} AND topic = $3 AND partition = $4 AND record_offset = $6::bigint AND shelf = '' AND state = 'parked' AND next = $7::bigint
      AND EXISTS (SELECT FROM mine) RETURNING 1)`,
);

/** The queue behind an event that took the place of another one is what is left of it. */
const inheritSql = `
  UPDATE streams.parked_events AS heir SET held = before.held - 1 FROM streams.parked_events AS before
  WHERE heir.projection = $1 AND heir.version = $2 AND heir.topic = $3 AND heir.partition = $4 AND heir.record_offset = $5::bigint AND heir.shelf = ''
    AND before.projection = $1 AND before.version = $2 AND before.topic = $3 AND before.partition = $4 AND before.record_offset = $6::bigint AND before.shelf = ''`;

function parkedJson(at: ProjectionCommit['at'], event: NewParkedEvent): object {
  const { failure, eventId, eventType, recordedAtMs, offset, attempts } = event;
  const about = { event_id: eventId, event_type: eventType, recorded_at_ms: recordedAtMs, attempts, held: 0 };
  return { ...at, offset: String(offset), key: storedQueue(event), ...about, ...failure };
}

/** What a commit sets aside, behind the step that moves its checkpoint. */
export function holdSteps(commits: readonly ProjectionCommit[]): readonly Step[] {
  const holding = commits.filter(({ holds }) => holds !== undefined);
  const [first] = holding;
  if (first === undefined) return [];
  const { name, version } = first.projection;
  const of = <Item>(items: (commit: ProjectionCommit) => readonly Item[], write: (at: ProjectionCommit['at'], item: Item) => object): readonly object[] =>
    holding.flatMap((commit) => items(commit).map((item) => write(commit.at, item)));
  const released = of(
    ({ holds }) => holds?.released ?? [],
    (at, { offset, next }) => ({ ...at, offset: String(offset), next: String(next) }),
  );
  const parked = of(({ holds }) => holds?.parked ?? [], parkedJson);
  const held = of(
    ({ holds }) => holds?.held ?? [],
    (at, events) => ({ ...at, key: storedQueue(events), count: events.count }),
  );
  const step = (id: string, text: string, items: readonly object[], ...more: string[]): readonly Step[] =>
    items.length === 0 ? [] : [{ name: id, text, values: [name, String(version), JSON.stringify(items), ...more] }];
  return [
    // A key that is free again may have another event parked in the same batch.
    ...step('release_parked', releaseSql, released, String(released.length)),
    ...step('park', parkSql, parked),
    ...step('hold', holdSql, held, String(held.length)),
  ];
}

export function redriveSteps({ projection, at, epoch, offset, from, to, applied, outcome }: RedriveCommit): readonly Step[] {
  const where = [projection.name, String(projection.version), at.topic, String(at.partition)];
  const { code, message, stack } = outcome.kind === 'failed' ? outcome.failure : { code: '', message: '', stack: '' };
  const move: Step = {
    name: 'redrive',
    text: redriveSql,
    values: [...where, String(epoch), String(offset), String(from), String(to), String(applied), outcome.kind, code, message, stack],
  };
  if (outcome.kind !== 'moved') return [move];
  return [
    move,
    { name: 'park', text: parkSql, values: [...where.slice(0, 2), JSON.stringify([parkedJson(at, outcome.parked)])] },
    { name: 'inherit_parked', text: inheritSql, values: [...where, String(outcome.parked.offset), String(offset)] },
  ];
}
