import { maskedRecord, originOf, type StoredRecord } from '#events';
import type { EventIndex, EventLog, IndexedEvent, IndexFilter, IndexPlace } from '#ports';
import type { EventExpression, ExpressionInput } from './event-expression.ts';
import { placeName, recordsAt } from './placed-records.ts';

export interface EventSearchQuery {
  readonly filter: IndexFilter;
  readonly expression?: EventExpression | undefined;
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly before?: IndexPlace | undefined;
  readonly limit: number;
  /** Show, and let the expression see, what is personal. */
  readonly revealed: boolean;
}

export interface FoundEvent {
  readonly event: IndexedEvent;
  /** As it is shown; undefined when retention has taken it off the log. */
  readonly record: StoredRecord | undefined;
}

export interface FoundPage {
  readonly events: readonly FoundEvent[];
  /** Down to here everything was looked at; undefined when that was everything there is. */
  readonly searchedTo: IndexPlace | undefined;
  /** Events that the expression was asked about. */
  readonly looked: number;
  /** Those about which it could not say anything, and why the first of them. */
  readonly inapplicable: { readonly count: number; readonly problem: string } | undefined;
}

/** Of one page: a search that finds little costs several requests, never one without end. */
const budget = { looked: 20_000, ms: 200 };
const indexBudgetMs = 150;
/** Less would find nothing and get nowhere. */
const indexBudgetMsMin = 50;
const chunk = 250;

/** Finds events by the index, and shows them as the log has them. */
export class EventSearch {
  readonly #index: EventIndex;
  readonly #log: EventLog;

  constructor(index: EventIndex, log: EventLog) {
    this.#index = index;
    this.#log = log;
  }

  async search(query: EventSearchQuery): Promise<FoundPage> {
    if (query.expression !== undefined) return this.#sift(query, query.expression);
    const { events, searchedTo } = await this.#index.search({ ...query, budgetMs: indexBudgetMs });
    return { events: await this.#shown(events, query.revealed), searchedTo, looked: 0, inapplicable: undefined };
  }

  /** Page by page through what the index finds, until enough matches or enough was looked at. */
  async #sift(query: EventSearchQuery, expression: EventExpression): Promise<FoundPage> {
    const deadline = performance.now() + budget.ms;
    const found: FoundEvent[] = [];
    let [looked, failures, problem] = [0, 0, ''];
    for (let { before } = query; ;) {
      const budgetMs = Math.max(indexBudgetMsMin, Math.min(indexBudgetMs, deadline - performance.now()));
      const page = await this.#index.search({ ...query, before, limit: chunk, budgetMs });
      for (const event of await this.#shown(page.events, query.revealed)) {
        looked++;
        before = event.event;
        const verdict = event.record === undefined ? false : expression.judge(inputOf(event.event, event.record));
        if (verdict === true) found.push(event);
        else if (verdict !== false && failures++ === 0) problem = verdict.problem;
        if (found.length === query.limit) break;
      }
      const isOver = found.length === query.limit || looked >= budget.looked || performance.now() >= deadline;
      if (!isOver && page.searchedTo !== undefined) {
        before = page.searchedTo;
        continue;
      }
      const isAtEnd = page.searchedTo === undefined && (page.events.length === 0 || before === page.events.at(-1));
      const inapplicable = failures === 0 ? undefined : { count: failures, problem };
      return { events: found, searchedTo: isAtEnd ? undefined : found.length === query.limit ? before : (page.searchedTo ?? before), looked, inapplicable };
    }
  }

  async #shown(events: readonly IndexedEvent[], revealed: boolean): Promise<readonly FoundEvent[]> {
    const records = await recordsAt(this.#log, events);
    return events.map((event) => {
      const record = records.get(placeName(event));
      return { event, record: record === undefined || revealed ? record : maskedRecord(record) };
    });
  }
}

/** What an expression may ask of an event: of masked data, only the mask. */
function inputOf({ id, type, subject, tenant, topic, time, correlationId, causationId }: IndexedEvent, record: StoredRecord): ExpressionInput {
  const { headers } = record;
  const event = { id, type, subject, tenant, context: topic, time: new Date(time), actor: headers['ce_actor'] ?? '', source: headers['ce_source'] ?? '' };
  // In which region it was written; empty for this one.
  const origin = originOf(record) ?? '';
  return { event: { ...event, correlationId, causationId, origin }, data: dataOf(record.value) };
}

function dataOf(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
