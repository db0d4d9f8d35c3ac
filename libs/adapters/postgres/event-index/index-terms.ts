import type { IndexedEvent, IndexFilter } from '#ports';
import { columnArray, textArray } from '../array-literal.ts';
import type { Database, TextRow } from '../database.ts';
import { eventOf, type EventRow } from './event-row.codec.ts';

/** `t`ypes (behind their topic), te`n`ants and `a`ctors. */
const kinds = ['t', 'n', 'a'] as const;
type TermKind = (typeof kinds)[number];

/** Terms remembered by a process; actors are as many as there are addresses that publish. */
const knownMax = 50_000;
/** A b-tree takes no long keys. */
const termCharsMax = 512;
/** That a term is still in use is written down so often, ms of the events' own time. */
const noteEveryMs = 3_600_000;

/** Numbers of what a filter names. */
export interface TermNumbers {
  readonly types?: readonly number[];
  readonly tenant?: number | undefined;
  readonly actor?: number | undefined;
}

/** A term's number, and the time up to which its last use is written down. */
interface Numbered {
  readonly id: number;
  readonly notedMs: number;
}

/** Words that many events share, each kept once under a number that never changes, for as long as an event has it. */
export class IndexTerms {
  readonly #database: Database;
  readonly #numbers: Readonly<Record<TermKind, Map<string, Numbered>>> = { t: new Map(), n: new Map(), a: new Map() };
  readonly #texts = new Map<number, string>();

  constructor(database: Database) {
    this.#database = database;
  }

  async rowsOf(events: readonly IndexedEvent[]): Promise<readonly EventRow[]> {
    // Between batches: within one, every term that is known stays so.
    for (const kind of kinds) if (this.#numbers[kind].size > knownMax) this.#numbers[kind].clear();
    const { t: types, n: tenants, a: actors } = this.#numbers;
    const unknown = { t: new Set<string>(), n: new Set<string>(), a: new Set<string>() };
    const last = events.reduce((latest, { recordedAt }) => Math.max(latest, recordedAt), 0);
    const isKnown = (known: ReadonlyMap<string, Numbered>, term: string): boolean => (known.get(term)?.notedMs ?? -1) >= last;
    for (const event of events) {
      const type = typeTerm(event);
      if (!isKnown(types, type)) unknown.t.add(type);
      if (!isKnown(tenants, event.tenant)) unknown.n.add(event.tenant);
      if (!isKnown(actors, event.actor)) unknown.a.add(event.actor);
    }
    for (const kind of kinds) if (unknown[kind].size > 0) await this.#number(kind, [...unknown[kind]], last + noteEveryMs);
    const numberOf = (known: ReadonlyMap<string, Numbered>, term: string): number => (known.get(term) as Numbered).id;
    return events.map((event) => ({
      event,
      type: numberOf(types, typeTerm(event)),
      tenant: numberOf(tenants, event.tenant),
      actor: numberOf(actors, event.actor),
    }));
  }

  /**
   * Forgets terms that no event after that time has. Only who keeps the index may call it; what comes with such a term
   * afterwards gets another number.
   */
  async forgetBefore(ms: number): Promise<void> {
    const { count } = await this.#database.run({ text: 'DELETE FROM streams.event_index_terms WHERE used_until < $1', values: [ms] });
    if (count > 0) this.forgetNumbers();
  }

  /** What is remembered may have been another keeper's to forget. */
  forgetNumbers(): void {
    for (const kind of kinds) this.#numbers[kind].clear();
  }

  async #number(kind: TermKind, terms: readonly string[], notedMs: number): Promise<void> {
    const known = this.#numbers[kind];
    const stored = terms.map(storedTerm);
    const text = `
      INSERT INTO streams.event_index_terms AS mine (kind, term, used_until) SELECT DISTINCT $1::"char", term, $3::bigint FROM unnest($2::text[]) AS term
      ON CONFLICT (kind, term) DO UPDATE SET used_until = greatest(mine.used_until, excluded.used_until) RETURNING term, id`;
    const { rows } = await this.#database.read({ text, values: [kind, textArray(stored), notedMs] });
    const numbers = new Map(rows.map(([term, id]) => [term ?? '', Number(id)]));
    for (const term of terms) known.set(term, { id: numbers.get(storedTerm(term)) as number, notedMs });
  }

  /** Rows as events. */
  async eventsOf(rows: readonly TextRow[]): Promise<readonly IndexedEvent[]> {
    const unknown = new Set<number>();
    for (const row of rows) for (let at = 8; at <= 10; at++) if (!this.#texts.has(Number(row[at]))) unknown.add(Number(row[at]));
    if (unknown.size > 0) {
      if (this.#texts.size + unknown.size > knownMax) return this.#afresh(rows);
      const values = [columnArray('integer', [...unknown])];
      const found = await this.#database.read({ text: 'SELECT id, term FROM streams.event_index_terms WHERE id = ANY($1::int[])', values });
      for (const [id, term] of found.rows) this.#texts.set(Number(id), term ?? '');
    }
    return rows.map((row) => eventOf(row, this.#texts));
  }

  #afresh(rows: readonly TextRow[]): Promise<readonly IndexedEvent[]> {
    this.#texts.clear();
    return this.eventsOf(rows);
  }

  /** The numbers of what a filter names; undefined when something that it asks for is nowhere in the index. */
  async numbersOf({ contexts, types, tenant, actor }: IndexFilter): Promise<TermNumbers | undefined> {
    const byType = contexts !== undefined || types !== undefined;
    if (!byType && tenant === undefined && actor === undefined) return {};
    const text = `
      SELECT kind, term, id FROM streams.event_index_terms
      WHERE (kind = 't' AND $1) OR (kind = 'n' AND term = $2) OR (kind = 'a' AND term = $3)`;
    const stored = (term: string | undefined): string | null => (term === undefined ? null : storedTerm(term));
    const { rows } = await this.#database.read({ name: 'index_terms', text, values: [byType, stored(tenant), stored(actor)] });
    const isWanted = (term: string): boolean => {
      const slash = term.indexOf('/');
      return (contexts as readonly string[] | undefined)?.includes(term.slice(0, slash)) !== false && types?.includes(term.slice(slash + 1)) !== false;
    };
    const typeIds = rows.flatMap(([kind, term, id]) => (kind === 't' && isWanted(term ?? '') ? [Number(id)] : []));
    const idOf = (kind: TermKind): number | undefined => {
      const id = rows.find((row) => row[0] === kind)?.[2];
      return id === undefined || id === null ? undefined : Number(id);
    };
    const [tenantId, actorId] = [idOf('n'), idOf('a')];
    const isMissing = (byType && typeIds.length === 0) || (tenant !== undefined && tenantId === undefined) || (actor !== undefined && actorId === undefined);
    return isMissing ? undefined : { ...(byType ? { types: typeIds } : {}), tenant: tenantId, actor: actorId };
  }
}

function typeTerm({ topic, type }: IndexedEvent): string {
  return `${topic}/${type}`;
}

function storedTerm(term: string): string {
  const cut = term.length > termCharsMax ? term.slice(0, termCharsMax) : term;
  return cut.includes('\u0000') ? cut.replaceAll('\u0000', '\uFFFD') : cut;
}
