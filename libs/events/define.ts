import type { z } from 'zod';
import type { Context } from './envelope.ts';
import { personalFields, type PersonalPath } from './personal.ts';

/**
 * Who may say that it happened. `platform`: only its own deciders and owners, so that nobody can forge a decision or a fact
 * that one process alone sees. `anyone`: every caller with the right to publish into the context.
 */
export type Publishers = 'anyone' | 'platform';

/** Turns the data of the version before into the data of the version after; pure. */
export type Upcaster = (data: unknown) => unknown;

export interface OncePersonal {
  /** The last version that has them. */
  readonly version: number;
  readonly paths: readonly PersonalPath[];
}

export interface EventInit<Type extends string, Schema extends z.ZodType> {
  readonly type: Type;
  readonly version: number;
  readonly context: Context;
  /** `platform` when left out. */
  readonly publishers?: Publishers;
  /** One line for docs/EVENTS.md: what happened, in the past tense. */
  readonly meaning: string;
  readonly schema: Schema;
  /** Partition key: events of one key keep their order. */
  readonly key: (data: z.infer<Schema>) => string;
  /** What the event is about; defaults to the key. */
  readonly subject?: (data: z.infer<Schema>) => string;
  /**
   * Whom the event's personal fields tell of, such as `address:192.0.2.7`: they are encrypted under that subject's key.
   * Undefined when this one names nobody.
   */
  readonly dataSubject?: (data: z.infer<Schema>) => string | undefined;
  /** Fields that told of persons in clear up to this version: who may not see what is personal does not see those of such events. */
  readonly oncePersonal?: OncePersonal;
  /** `upcasters[n]` lifts version n + 1 to n + 2; exactly `version - 1` of them. */
  readonly upcasters?: readonly Upcaster[];
  /** A golden sample per released version, oldest first; today's upcasters must read each of them. */
  readonly samples: readonly unknown[];
}

/** An event that is decided but not yet written: it gets its envelope from whoever writes it. */
export interface DraftEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

export interface EventDefinition<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly version: number;
  readonly context: Context;
  readonly publishers: Publishers;
  readonly meaning: string;
  readonly schema: z.ZodType<Data>;
  readonly upcasters: readonly Upcaster[];
  readonly samples: readonly unknown[];
  key(data: Data): string;
  subject(data: Data): string;
  /** Whom its personal fields tell of; undefined when it names nobody. */
  dataSubject(data: Data): string | undefined;
  readonly oncePersonal?: OncePersonal;
  /** The event as a decider returns it. */
  draft(data: Data): DraftEvent<Type, Data>;
}

function nobody(): undefined {
  return undefined;
}

/** Defines an event once, as a value. */
export function defineEvent<const Type extends string, Schema extends z.ZodType>(init: EventInit<Type, Schema>): EventDefinition<Type, z.infer<Schema>> {
  type Data = z.infer<Schema>;
  const upcasters = init.upcasters ?? [];
  if (upcasters.length !== init.version - 1) throw new RangeError(`${init.type}: version ${init.version} needs ${init.version - 1} upcasters`);
  if (init.dataSubject === undefined && personalFields(init).length > 0) throw new RangeError(`${init.type}: personal fields need a dataSubject`);
  return {
    type: init.type,
    version: init.version,
    context: init.context,
    publishers: init.publishers ?? 'platform',
    meaning: init.meaning,
    schema: init.schema as z.ZodType<Data>,
    upcasters,
    samples: init.samples,
    key: init.key,
    subject: init.subject ?? init.key,
    dataSubject: init.dataSubject ?? nobody,
    ...(init.oncePersonal === undefined ? {} : { oncePersonal: init.oncePersonal }),
    draft: (data) => ({ type: init.type, data }),
  };
}

/** The draft type of a definition: `DraftOf<typeof streamCreated>`. */
export type DraftOf<Definition> = Definition extends EventDefinition<infer Type, infer Data> ? DraftEvent<Type, Data> : never;
