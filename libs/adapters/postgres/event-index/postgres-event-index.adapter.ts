import {
  EventIndex,
  eventIndexErrors,
  eventIndexVersion,
  type IndexBatch,
  type IndexedEvent,
  type IndexPage,
  type IndexPosition,
  type IndexSearch,
} from '#ports';
import { columnArray, textArray } from '../array-literal.ts';
import { sqlState } from '../database-errors.ts';
import type { Database, TextRow } from '../database.ts';
import type { Step } from '../pipeline.ts';
import { copyEventsSql, copyOfEvents, eventColumns, uuidOf } from './event-row.codec.ts';
import { SearchOfIndex } from './index-search.ts';
import { IndexTerms } from './index-terms.ts';

/** How many events lie between two marks. */
const markEvery = 100_000;
/** Rows that are forgotten at once, so that nobody waits long. */
const forgetMost = 20_000;
/** SQLSTATE of a division by zero: how a statement that moved too few positions stops those sent behind it. */
const notMoved = '22012';

/** The event index in `streams.event_index*`. */
export class PostgresEventIndex extends EventIndex {
  readonly #database: Database;
  readonly #terms: IndexTerms;
  /** Which of the indexes that there have been was claimed: it counts how often it was emptied. */
  #generation = -1;

  constructor(database: Database) {
    super();
    this.#database = database;
    this.#terms = new IndexTerms(database);
  }

  override claim(epoch: bigint, log: string): Promise<readonly IndexPosition[]> {
    this.#terms.forgetNumbers();
    return this.#database.transaction(async (run) => {
      const { rows } = await run({
        text: 'SELECT epoch, version = $1 AND log = $2, generation FROM streams.event_index_state FOR UPDATE',
        values: [eventIndexVersion, log],
      });
      if (BigInt(rows[0]?.[0] ?? 0) > epoch) throw eventIndexErrors.fenced();
      if (rows[0]?.[1] !== 't') for (const text of [emptySql, 'DELETE FROM streams.event_index_terms']) await run({ text });
      const text = `UPDATE streams.event_index_state SET epoch = $1, version = $2, log = $3, rows = CASE WHEN $4 THEN rows ELSE 0 END`;
      await run({ text, values: [String(epoch), eventIndexVersion, log, rows[0]?.[1] === 't'] });
      this.#generation = Number(rows[0]?.[2]);
      return (await run({ text: positionsSql })).rows.map(positionOf);
    });
  }

  override async append({ epoch, moves, events }: IndexBatch): Promise<void> {
    const rows = await this.#terms.rowsOf(events);
    const copy: Step[] = rows.length === 0 ? [] : [{ name: 'copy_events', text: copyEventsSql, copy: copyOfEvents(rows) }];
    const last = events.reduce((latest, { recordedAt }) => Math.max(latest, recordedAt), 0);
    const columns = [
      textArray(moves.map(({ topic }) => topic)),
      columnArray(
        'integer',
        moves.map(({ partition }) => partition),
      ),
      columnArray(
        'bigint',
        moves.map(({ from }) => from),
      ),
      columnArray(
        'bigint',
        moves.map(({ to }) => to),
      ),
    ];
    const move: Step = {
      name: 'move_index',
      text: moveSql,
      values: [...columns, String(epoch), String(rows.length), String(moves.length), String(this.#generation)],
    };
    const mark: Step = { name: 'mark_index', text: markSql, values: [String(last), String(rows.length)] };
    const failure = await this.#database.atomically([move, ...copy, ...(rows.length === 0 ? [] : [mark])]);
    if (failure === undefined) return;
    throw failure.step === 0 && sqlState(failure.error) === notMoved ? eventIndexErrors.fenced() : failure.error;
  }

  override async positions(): Promise<readonly IndexPosition[]> {
    const { rows } = await this.#database.read({ name: 'index_positions', text: positionsSql });
    return rows.map(positionOf);
  }

  override async search(search: IndexSearch): Promise<IndexPage> {
    const numbers = await this.#terms.numbersOf(search.filter);
    if (numbers === undefined) return { events: [], searchedTo: undefined };
    const { rows, unfinished } = await new SearchOfIndex(search, numbers).run(this.#database);
    const events = await this.#terms.eventsOf(rows);
    return { events, searchedTo: events.length >= search.limit ? events.at(-1) : unfinished };
  }

  override find(ids: readonly string[]): Promise<readonly IndexedEvent[]> {
    return this.#events('id', ids, ids.length * 2);
  }

  override causedBy(ids: readonly string[], limit: number): Promise<readonly IndexedEvent[]> {
    return this.#events('causation', ids, limit);
  }

  async #events(column: 'id' | 'causation', ids: readonly string[], limit: number): Promise<readonly IndexedEvent[]> {
    if (ids.length === 0) return [];
    const text = `
      SELECT ${eventColumns} FROM streams.event_index AS event WHERE event.${column} = ANY($1::uuid[])
      ORDER BY event.recorded_at, event.lane, event.record_offset LIMIT $2`;
    const { rows } = await this.#database.read({ name: `index_by_${column}`, text, values: [textArray(ids.map(uuidOf)), limit] });
    return this.#terms.eventsOf(rows);
  }

  override async reset(): Promise<void> {
    await this.#database.transaction(async (run) => {
      // Who keeps the index finds that it is another one, and claims it anew.
      await run({ text: 'UPDATE streams.event_index_state SET rows = 0, version = 0, generation = generation + 1' });
      await run({ text: emptySql });
    });
  }

  override async tend(beforeMs?: number): Promise<void> {
    await this.#database.run({ text: "SELECT brin_summarize_new_values('streams.event_index_summary')" });
    if (beforeMs === undefined) return;
    for (let forgotten = forgetMost; forgotten === forgetMost;) {
      const text = `
        DELETE FROM streams.event_index WHERE ctid = ANY(ARRAY(
          SELECT ctid FROM streams.event_index WHERE recorded_at + 0 < $1 ORDER BY recorded_at + 0 LIMIT ${forgetMost}))`;
      forgotten = (await this.#database.run({ text, values: [beforeMs] })).count;
    }
    await this.#database.run({ text: 'DELETE FROM streams.event_index_marks WHERE recorded_at < $1', values: [beforeMs] });
    await this.#terms.forgetBefore(beforeMs);
  }
}

/** The terms go when the index is claimed: until then a process that does not know of it may be about to write rows with their numbers. */
const emptySql = 'TRUNCATE streams.event_index, streams.event_index_positions, streams.event_index_marks';

const positionsSql = `
  SELECT topic, partition, position, (extract(epoch FROM moved_at) * 1000)::bigint FROM streams.event_index_positions ORDER BY topic, partition`;

/** Moves every position that stands where it should, under the epoch that holds; fails unless that was all of them. */
const moveSql = `
  WITH move AS (SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) AS move (topic, partition, position, next)),
  held AS (UPDATE streams.event_index_state SET rows = rows + $6::bigint WHERE epoch = $5::bigint AND generation = $8::integer RETURNING 1),
  done AS (
    INSERT INTO streams.event_index_positions AS mine (topic, partition, position) SELECT topic, partition, next FROM move
    WHERE position = coalesce((SELECT at.position FROM streams.event_index_positions AS at WHERE at.topic = move.topic AND at.partition = move.partition), 0)
    ON CONFLICT (topic, partition) DO UPDATE SET position = excluded.position, moved_at = clock_timestamp() RETURNING 1)
  SELECT 1 / ((SELECT count(*) FROM done) = $7::bigint AND EXISTS (SELECT FROM held))::integer`;

/** Of about every 100,000 events the time: a search that goes far back knows by it how far is how much. */
const markSql = `
  INSERT INTO streams.event_index_marks (rows, recorded_at)
  SELECT rows, $1::bigint FROM streams.event_index_state WHERE rows / ${markEvery} <> (rows - $2::bigint) / ${markEvery} ON CONFLICT DO NOTHING`;

function positionOf([topic, partition, position, movedAtMs]: TextRow): IndexPosition {
  return { topic: topic ?? '', partition: Number(partition), position: BigInt(position ?? 0), movedAtMs: Number(movedAtMs) };
}
