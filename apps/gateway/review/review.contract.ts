import { catalogue, contexts } from '#events';
import { z } from 'zod';
import { cloudEvent, instant, listOf } from '../events/events.contract.ts';
import { eventId, reveal, tenantFilter, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';
import { expressionCharsMax } from './event-expression.ts';

const common = { tag: 'Events', method: 'GET', scopes: ['view', 'operate'], tenancy: 'own', status: 200 } as const;
const name = z.string().min(1).max(256);

export const searchEvents = operation({
  ...common,
  id: 'searchEvents',
  path: '/api/v1/events/search',
  summary: 'Find events by their attributes and by an expression over their data, the newest first',
  query: z.strictObject({
    context: listOf(contexts, 'Contexts'),
    type: listOf(
      catalogue.map(({ type }) => type),
      'Event types',
    ),
    subject: name.optional().describe('Exactly this subject, or everything under it.'),
    subjectPrefix: name.optional().describe('Subjects that begin like this.'),
    tenant: tenantFilter,
    actor: name.optional().describe('Who caused it, such as `key:k-3f9a2c`. Actors that are people are personal: see `reveal`.'),
    correlationId: name.optional().describe('The request or session that they belong to.'),
    causationId: name.optional().describe('The event or command that caused them.'),
    since: instant.optional().describe('Recorded at or after: RFC 3339, or ms since the Unix epoch.'),
    until: instant.optional().describe('Recorded before.'),
    where: z
      .string()
      .min(1)
      .max(expressionCharsMax)
      .optional()
      .describe('A filter in the Common Expression Language over `data` and `event`, such as `data.sizeBytes > 1000000 && event.subject.startsWith("st-")`.'),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: z.string().min(1).max(256).optional().describe('`nextCursor` of the page before, with the same filter. A page may be empty and still have one.'),
    reveal,
  }),
  answer: z.object({
    items: z.array(cloudEvent),
    nextCursor: z.string().nullable(),
    searchedTo: timestamp.nullable().describe('Down to this time of record everything was looked at; null when that was everything there is.'),
    looked: z.number().describe('Events that the expression was asked about.'),
    inapplicable: z
      .object({ count: z.number(), problem: z.string() })
      .nullable()
      .describe('Events that the expression could not be applied to, and why the first could not: those have no such field.'),
  }),
});

const params = z.strictObject({ id: eventId });

export const showEvent = operation({
  ...common,
  id: 'showEvent',
  path: '/api/v1/events/:id',
  summary: 'Show one event: as it is stored, the schema of that version, and as it is read today',
  params,
  query: z.strictObject({ reveal }),
  answer: z.object({
    event: cloudEvent,
    storedVersion: z.number().nullable().describe('Version of its data on the log; null when its type is not in the catalogue.'),
    version: z.number().nullable().describe('The newest, in which it is read.'),
    open: z.boolean().describe('True when backend teams may publish the type.'),
    meaning: z.string().nullable(),
    schema: z.record(z.string(), z.unknown()).nullable().describe('JSON Schema of the stored version.'),
    data: z.unknown().describe('The data as it is read: lifted to the newest version.'),
    problem: z.string().nullable().describe('Why it cannot be read, when it cannot.'),
    personal: z.array(z.string()).describe('Fields that are personal.'),
    revealed: z.boolean(),
    bytes: z.number().describe('Of the record on the log.'),
    proof: z.string().describe('Where the audit ledger proves it.'),
    may: z
      .object({
        reveal: z.boolean().describe('See what is personal, by saying why.'),
        prove: z.boolean().describe('Ask the audit ledger.'),
        publishAs: z.string().nullable().describe('The tenant for which you publish events of this type; null when you cannot.'),
      })
      .describe('What your credential lets you do with it.'),
  }),
});

const node = z.object({
  id: z.string(),
  parentId: z.string().nullable(),
  depth: z.number(),
  type: z.string(),
  context: z.enum(contexts),
  subject: z.string(),
  tenant: z.string(),
  actor: z.string(),
  time: timestamp,
});

export const showCausation = operation({
  ...common,
  id: 'showCausation',
  path: '/api/v1/events/:id/causation',
  summary: 'Show what led to an event and what came of it, across contexts',
  params,
  query: z.strictObject({
    nodes: z.coerce.number().int().min(1).max(20_000).default(10_000).describe('Events at most.'),
    depth: z.coerce.number().int().min(1).max(200).default(64).describe('Steps at most, up and down.'),
  }),
  answer: z.object({
    id: z.string(),
    causeId: z.string().nullable().describe('What the first events name as their cause, which is no event: a request or a session.'),
    nodes: z.array(node).describe('Each event before what it caused, siblings by time.'),
    truncated: z.boolean().describe('There is more than `nodes` and `depth` allow.'),
  }),
});
