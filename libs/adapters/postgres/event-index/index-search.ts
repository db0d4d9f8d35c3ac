import type { IndexPlace, IndexSearch } from '#ports';
import { sqlState } from '../database-errors.ts';
import type { Database, Statement, TextResult, TextRow } from '../database.ts';
import { Conditions, conditionsOf, isSelective } from './conditions.ts';
import { eventColumns, laneOf } from './event-row.codec.ts';
import type { TermNumbers } from './index-terms.ts';

/** Events that are looked at one by one before summaries are asked: what is not rare is found among them. */
const nearEvents = 20_000;
/** A step by summaries that found nothing is followed by one so many times as long … */
const growth = 8;
/** … and one that found something by one that should find the rest, and so much more. */
const surplus = 1.3;
/** SQLSTATE of a statement that ran out of time. */
const outOfTime = '57014';
/** Less than this is not worth beginning a step for, ms. */
const stepMs = 5;

type Run = (statement: Statement) => Promise<TextResult>;

/** What was found, as rows of {@link eventColumns}. */
export interface FoundRows {
  readonly rows: readonly TextRow[];
  /** Everything behind this place was looked at; undefined when that was everything. */
  readonly unfinished: IndexPlace | undefined;
}

const order = 'event.lane DESC, event.record_offset DESC';
/** The one time walks the tree of times, the other goes by the summaries. */
const [byTree, bySummary] = ['(event.recorded_at + 0)', 'event.recorded_at'];

/** Searches the index from the newest on, in steps that reach further and further back, until its time is up. */
export class SearchOfIndex {
  readonly #search: IndexSearch;
  readonly #numbers: TermNumbers;
  readonly #matching: Conditions;
  readonly #deadline: number;
  #found: TextRow[] = [];

  constructor(search: IndexSearch, numbers: TermNumbers) {
    this.#search = search;
    this.#numbers = numbers;
    this.#matching = conditionsOf(search.filter, numbers);
    this.#deadline = performance.now() + search.budgetMs;
  }

  run(database: Database): Promise<FoundRows> {
    return database.transaction(async (run) => {
      // Each step has one way to go; a planner that knows little of the newest rows would choose another.
      const off = ['enable_seqscan', 'enable_bitmapscan', 'jit'].map((name) => `set_config('${name}', 'off', true)`).join();
      await run({ text: `SELECT ${off}, set_config('max_parallel_workers_per_gather', '0', true)` });
      const { correlationId, causationId } = this.#search.filter;
      const unfinished = correlationId === undefined && causationId === undefined ? await this.#backwards(run) : await this.#direct(run);
      return { rows: this.#found, unfinished };
    });
  }

  get #wanted(): number {
    return this.#search.limit - this.#found.length;
  }

  /** What belongs together is little, and has a tree of its own. */
  async #direct(run: Run): Promise<undefined> {
    const conditions = this.#within(bySummary, this.#search.fromMs);
    addTypes(conditions, this.#numbers);
    await this.#take(run, [conditions], bySummary);
  }

  async #backwards(run: Run): Promise<IndexPlace | undefined> {
    const { fromMs = 0, filter } = this.#search;
    // Where enough events were looked at one by one; a filter that finds too little there goes on by summaries.
    const end = isSelective(this.#numbers, filter) ? await this.#nearEnd(run) : undefined;
    const near = this.#within(byTree, Math.max(end ?? 0, fromMs));
    addTypes(near, this.#numbers);
    await this.#take(run, [near], byTree);
    return end === undefined || end <= fromMs || this.#wanted === 0 ? undefined : this.#bySummaries(run, end, fromMs);
  }

  /** Further back, a step at a time. @returns where it had to stop */
  async #bySummaries(run: Run, from: number, fromMs: number): Promise<IndexPlace | undefined> {
    const marks = await marksBelow(run, from);
    await run({ text: `SELECT set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'on', true)` });
    for (let [high, step] = [from, 1]; high > fromMs && this.#wanted > 0;) {
      const passed = marks.splice(0, step);
      const low = Math.max(fromMs, marks.length === 0 ? 0 : (passed.at(-1) ?? 0));
      const before = this.#found.length;
      if (!(await this.#far(run, low, high))) return { recordedAt: high, topic: 'stream', partition: 0, offset: 0n };
      const found = this.#found.length - before;
      step = found === 0 ? step * growth : Math.max(1, Math.ceil(((step * this.#wanted) / found) * surplus));
      high = low;
    }
    return undefined;
  }

  /** One step by the summaries; false when there was no time for it. */
  async #far(run: Run, low: number, high: number): Promise<boolean> {
    const leftMs = Math.floor(this.#deadline - performance.now());
    if (leftMs < stepMs) return false;
    await run({ text: `SELECT set_config('statement_timeout', $1, true)`, values: [String(leftMs)] });
    await run({ text: 'SAVEPOINT step' });
    // A summary answers one type at a time.
    const { types } = this.#numbers;
    const each = types === undefined ? [this.#within(bySummary, low)] : types.map((type) => addTypes(this.#within(bySummary, low), { types: [type] }));
    for (const conditions of each) conditions.add(`${bySummary} < ?::bigint`, high);
    try {
      await this.#take(run, each, bySummary);
      return true;
    } catch (error) {
      if (sqlState(error) !== outOfTime) throw error;
      await run({ text: 'ROLLBACK TO step' });
      return false;
    }
  }

  /** The time of the event so many places back; undefined when there are not so many. */
  async #nearEnd(run: Run): Promise<number | undefined> {
    const { text, values } = this.#within(byTree, this.#search.fromMs, new Conditions());
    const select = `SELECT event.recorded_at FROM streams.event_index AS event WHERE ${text} ORDER BY ${byTree} DESC OFFSET ${nearEvents} LIMIT 1`;
    const { rows } = await run({ text: select, values });
    return rows[0] === undefined ? undefined : Number(rows[0][0]);
  }

  /** The conditions, within the bounds of time and place of the whole search. */
  #within(column: string, low: number | undefined, conditions = this.#matching.copy()): Conditions {
    const { untilMs, before } = this.#search;
    if (low !== undefined && low > 0) conditions.add(`${column} >= ?::bigint`, low);
    if (untilMs !== undefined) conditions.add(`${column} < ?::bigint`, untilMs);
    if (before !== undefined) {
      const { recordedAt, topic, partition, offset } = before;
      conditions.add(`${column} <= ?::bigint`, recordedAt);
      const place = [recordedAt, laneOf(topic, partition), String(offset)];
      conditions.add('(event.recorded_at, event.lane, event.record_offset) < (?::bigint, ?::smallint, ?::bigint)', ...place);
    }
    return conditions;
  }

  /** Takes what fits any of these. */
  async #take(run: Run, each: readonly Conditions[], time: string): Promise<void> {
    const values: unknown[] = [];
    const parts = each.map((conditions) => {
      const first = values.length;
      values.push(...conditions.values);
      return `(SELECT ${eventColumns} FROM streams.event_index AS event
        WHERE ${conditions.text.replace(/\$(\d+)/g, (_, at: string) => `$${Number(at) + first}`)} ORDER BY ${time} DESC, ${order} LIMIT ${this.#wanted})`;
    });
    const whole =
      parts.length === 1
        ? (parts[0] as string)
        : `SELECT * FROM (${parts.join(' UNION ALL ')}) AS event ORDER BY event.recorded_at DESC, ${order} LIMIT ${this.#wanted}`;
    const { rows } = await run({ text: whole, values });
    this.#found = [...this.#found, ...rows];
  }
}

function addTypes(conditions: Conditions, { types }: TermNumbers): Conditions {
  if (types?.length === 1) conditions.add('event.type = ?::int', types[0]);
  else if (types !== undefined) conditions.add('event.type = ANY(?::int[])', `{${types.join()}}`);
  return conditions;
}

/** Times about 100,000 events apart, the newest first. */
async function marksBelow(run: Run, recordedAt: number): Promise<number[]> {
  const text = 'SELECT recorded_at FROM streams.event_index_marks WHERE recorded_at < $1 ORDER BY rows DESC';
  const { rows } = await run({ text, values: [recordedAt] });
  return rows.map((row) => Number(row[0]));
}
