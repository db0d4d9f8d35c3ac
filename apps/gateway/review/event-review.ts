import { mayView, type Principal } from '#domain/access';
import { personalViewAggregate } from '#domain/operation';
import {
  decodeEvent,
  definitionOf,
  EventInvalidError,
  maskedActor,
  maskedData,
  maskedRecord,
  maskedSubject,
  personalFieldsOf,
  type StoredRecord,
} from '#events';
import type { EventIndex, EventLog, IndexedEvent, IndexFilter } from '#ports';
import type { CommandExecutor } from '#runtime';
import { visibleTo } from '../events/event-query.ts';
import { notFound } from '../http/problem.errors.ts';
import { causationTree, type CausationLimits, type CausationTree } from './causation-tree.ts';
import { EventExpression } from './event-expression.ts';
import { EventSearch, type EventSearchQuery, type FoundPage } from './event-search.ts';
import { placeName, recordsAt } from './placed-records.ts';
import { mayReveal, personalQuestion, type Reviewer } from './reveal.ts';

export interface EventReviewDeps {
  readonly index: EventIndex;
  readonly log: EventLog;
  readonly commands: CommandExecutor;
}

export interface ReviewQuery extends Omit<EventSearchQuery, 'filter' | 'expression' | 'revealed'> {
  readonly filter: IndexFilter;
  readonly where?: string | undefined;
  /** Why personal data is to be shown; undefined to have it masked. */
  readonly reveal?: string | undefined;
  /** The name of the field that `where` came in. */
  readonly whereField?: string;
}

export interface ShownEvent {
  readonly event: IndexedEvent;
  /** As it is shown. */
  readonly record: StoredRecord;
  readonly stored: StoredRecord;
  /** As it is read today; undefined when it cannot be. */
  readonly data: unknown;
  readonly problem: string | undefined;
  readonly revealed: boolean;
}

/** Lets people look at events: what they may see of them, and what they must not learn by asking. */
export class EventReview {
  readonly #deps: EventReviewDeps;
  readonly #search: EventSearch;

  constructor(deps: EventReviewDeps) {
    this.#deps = deps;
    this.#search = new EventSearch(deps.index, deps.log);
  }

  /** @throws ProblemError 400 for an expression that is none, 403 for what is personal */
  async search({ where, reveal, whereField = 'query.where', ...query }: ReviewQuery, reviewer: Reviewer): Promise<FoundPage> {
    const expression = where === undefined ? undefined : EventExpression.parse(where, whereField);
    const revealed = mayReveal(reveal, reviewer);
    const { actor } = query.filter;
    if (!revealed && actor !== undefined && maskedActor(actor) !== actor) throw personalQuestion('query.actor');
    const { contexts, tenant } = visibleTo(reviewer.principal, query.filter);
    const page = await this.#search.search({ ...query, filter: { ...query.filter, contexts, tenant }, expression, revealed });
    if (!revealed) return { ...page, events: page.events.filter(({ event }) => answersBySubject(query.filter, event)) };
    const ids = page.events.map(({ event }) => event.id);
    await this.#record('searchEvents', `events by ${askedBy({ ...query.filter, where })}`, ids, reveal as string, reviewer);
    return page;
  }

  /** @throws ProblemError 403, 404 */
  async show(id: string, reveal: string | undefined, reviewer: Reviewer): Promise<ShownEvent> {
    const revealed = mayReveal(reveal, reviewer);
    const event = await this.#visible(id, reviewer.principal);
    const stored = (await recordsAt(this.#deps.log, [event])).get(placeName(event));
    if (stored === undefined) throw notFound('event-not-kept', `The event ${id} is no longer on the log.`);
    if (revealed) await this.#record('showEvent', 'event by id', [event.id], reveal as string, reviewer);
    return { event, stored, record: revealed ? stored : maskedRecord(stored), revealed, ...readAsToday(stored, revealed) };
  }

  /** @throws ProblemError 404 */
  async causation(id: string, limits: CausationLimits, { principal }: Pick<Reviewer, 'principal'>): Promise<CausationTree> {
    const event = await this.#visible(id, principal);
    const tree = await causationTree(this.#deps.index, event, limits, (one) => mayView(principal, one.topic, one.tenant));
    return { ...tree, nodes: tree.nodes.map((node) => ({ ...node, event: maskedEvent(node.event) })) };
  }

  /** @throws ProblemError 404, also for what the principal may not see */
  async #visible(id: string, principal: Principal): Promise<IndexedEvent> {
    const event = (await this.#deps.index.find([id])).find(({ topic, tenant }) => mayView(principal, topic, tenant));
    if (event === undefined) throw notFound('unknown-event', `There is no event ${id}. One that was recorded just now can be found in a moment.`);
    return event;
  }

  /** Before anything is shown: what is not on record was not seen. */
  async #record(operation: string, query: string, ids: readonly string[], reason: string, reviewer: Reviewer): Promise<void> {
    const view = { operation, query, eventIds: ids.slice(0, 200), count: ids.length, reason };
    await this.#deps.commands.execute(personalViewAggregate, 'personal-data', view, reviewer);
  }
}

/** Names of what was asked by. What it was to be may name anybody, and stays off the record. */
function askedBy(query: object): string {
  const names = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  return names.toSorted().join(', ') || 'time';
}

/** False where only what is masked answers the question. */
function answersBySubject({ subject, subjectPrefix }: IndexFilter, { type, subject: actual }: IndexedEvent): boolean {
  const shown = maskedSubject(type, actual);
  if (shown === actual) return true;
  return (subject === undefined || shown === subject || shown.startsWith(`${subject}/`)) && (subjectPrefix === undefined || shown.startsWith(subjectPrefix));
}

function maskedEvent(event: IndexedEvent): IndexedEvent {
  return { ...event, actor: maskedActor(event.actor), subject: maskedSubject(event.type, event.subject) };
}

function readAsToday(record: StoredRecord, revealed: boolean): Pick<ShownEvent, 'data' | 'problem'> {
  try {
    const { data, type } = decodeEvent(record);
    return { data: revealed ? data : maskedData(data, personalFieldsOf(type)), problem: undefined };
  } catch (error) {
    if (!(error instanceof EventInvalidError)) throw error;
    return { data: undefined, problem: error.message };
  }
}

/** The version of the data on the log; undefined where the catalogue does not know the type. */
export function storedVersionOf({ headers }: StoredRecord): number | undefined {
  if (definitionOf(headers['ce_type'] ?? '') === undefined) return undefined;
  return Number(/:([1-9]\d{0,3})$/.exec(headers['ce_dataschema'] ?? '')?.[1] ?? 1);
}
