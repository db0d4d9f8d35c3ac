import { names, subjectOf, timeOf, uuid } from './history.ts';

/** A kind of question to the event browser, and one of its kind for each number. */
export interface Question {
  readonly what: string;
  ask(n: number): Readonly<Record<string, string>>;
  /** One page is all that is measured; this one is asked on until it ends. */
  readonly whole?: boolean;
}

/** What people ask, from the common to the rare. `count` events; `n` spreads the questions over them. */
export function questionsOn(count: number): readonly Question[] {
  const at = (n: number): number => Math.floor((n * 0.618033988749895 * count) % count);
  const before = (n: number): string => new Date(timeOf(at(n))).toISOString();
  return [
    { what: 'newest, no filter', ask: () => ({}) },
    { what: 'a moment in the past', ask: (n) => ({ until: before(n) }) },
    { what: 'context', ask: (n) => ({ context: 'cache', until: before(n) }) },
    { what: 'tenant with a tenth of all', ask: (n) => ({ tenant: 'tenant-10', until: before(n) }) },
    { what: 'actor, 1 in 300', ask: (n) => ({ actor: `key:k-${n % names.actors}` }) },
    { what: 'subject, 1 in 20,000', ask: (n) => ({ subject: subjectOf(at(n)) }) },
    { what: 'subject before a moment', ask: (n) => ({ subject: subjectOf(at(n)), until: before(n) }) },
    { what: 'subject and tenant', ask: (n) => ({ subject: subjectOf(at(n)), tenant: 'default' }) },
    { what: 'actor and context', ask: (n) => ({ actor: `key:k-${n % names.actors}`, context: 'edge' }) },
    { what: 'subject that is not there', ask: (n) => ({ subject: `no-${n}` }) },
    { what: 'one hour', ask: (n) => ({ since: new Date(timeOf(at(n)) - 3_600_000).toISOString(), until: before(n), context: 'edge' }) },
    { what: 'request', ask: (n) => ({ correlationId: uuid(at(n) - (at(n) % names.group)) }) },
    { what: 'cause', ask: (n) => ({ causationId: uuid(at(n) - (at(n) % names.group)) }) },
    { what: 'expression, all match', ask: (n) => ({ where: 'data.delayMs > 1000', until: before(n) }) },
    { what: 'expression, 1 in 100', ask: (n) => ({ where: `data.mediaSequence % 100 == ${n % 100}`, until: before(n) }) },
    { what: 'subject and expression', ask: (n) => ({ subject: subjectOf(at(n)), where: 'data.epoch == 3' }) },
    { what: 'expression, none match', ask: (n) => ({ where: 'data.epoch == 4', until: before(n) }) },
  ];
}

/** Types that are not in today's catalogue are asked of the index itself. */
export const rareTypes = [names.rareType, names.oldType] as const;
