import type { IndexFilter } from '#ports';
import { rootOf, storable, uuidOf } from './event-row.codec.ts';
import type { TermNumbers } from './index-terms.ts';

/** Conditions in SQL, and their values from `$1` on. */
export class Conditions {
  readonly values: unknown[] = [];
  readonly #texts: string[] = [];

  /** `?` stands for the values, in order. */
  add(text: string, ...values: readonly unknown[]): void {
    let at = 0;
    this.#texts.push(text.replace(/\?/g, () => `$${this.values.push(values[at++])}`));
  }

  get text(): string {
    return this.#texts.length === 0 ? 'true' : this.#texts.join(' AND ');
  }

  copy(): Conditions {
    const copy = new Conditions();
    copy.values.push(...this.values);
    copy.#texts.push(...this.#texts);
    return copy;
  }
}

/** What an event has to be, whatever its time and type. */
export function conditionsOf({ subject, subjectPrefix, correlationId, causationId }: IndexFilter, { tenant, actor }: TermNumbers): Conditions {
  const conditions = new Conditions();
  if (tenant !== undefined) conditions.add('event.tenant = ?::int', tenant);
  if (actor !== undefined) conditions.add('event.actor = ?::int', actor);
  if (subject !== undefined) {
    conditions.add('event.root = ?::bigint', rootOf(subject));
    conditions.add("(event.subject = ?::text OR starts_with(event.subject, ?::text || '/'))", storable(subject), storable(subject));
  }
  if (subjectPrefix !== undefined) {
    if (subjectPrefix.includes('/')) conditions.add('event.root = ?::bigint', rootOf(subjectPrefix));
    conditions.add('starts_with(event.subject, ?::text)', storable(subjectPrefix));
  }
  if (correlationId !== undefined) conditions.add('event.correlation = ?::uuid', uuidOf(correlationId));
  if (causationId !== undefined) conditions.add('event.causation = ?::uuid', uuidOf(causationId));
  return conditions;
}

/** True when some of the events are left out, so that it may take a while until enough are found. */
export function isSelective({ types, tenant, actor }: TermNumbers, { subject, subjectPrefix }: IndexFilter): boolean {
  return [types, tenant, actor, subject, subjectPrefix].some((each) => each !== undefined);
}
