import { catalogue, contexts } from '#events';
import { z } from 'zod';
import { tenantFilter } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const types = catalogue.map((definition) => definition.type);

export function listOf<const Name extends string>(names: readonly Name[], what: string) {
  return z
    .union([z.string(), z.array(z.string())])
    .transform((value) => (typeof value === 'string' ? value.split(',') : value))
    .pipe(z.array(z.enum(names)).min(1).max(names.length))
    .optional()
    .describe(`${what}, repeated or separated by commas.`);
}

const filter = {
  context: listOf(contexts, 'Contexts'),
  type: listOf(types, 'Event types'),
  subject: z.string().min(1).max(256).optional().describe('Exactly this subject, or everything under it.'),
  subjectPrefix: z.string().min(1).max(256).optional().describe('Subjects that begin like this.'),
  key: z.string().min(1).max(256).optional().describe('Partition key, such as a stream id.'),
  tenant: tenantFilter,
};

export const instant = z
  .union(
    [z.iso.datetime({ offset: true }), z.string().regex(/^\d{1,15}$/), z.number().int().min(0)],
    'Expected a time such as 2026-01-31T12:00:00Z (RFC 3339), or ms since the Unix epoch.',
  )
  .transform((told) => (typeof told === 'string' && !/^\d+$/.test(told) ? Date.parse(told) : Number(told)))
  .refine((ms) => ms >= 0, 'Expected a time from 1970 on.');

export const cloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string(),
    type: z.string(),
    source: z.string(),
    subject: z.string(),
    time: z.string(),
    actor: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .describe('CloudEvents 1.0 JSON; docs/schemas describes the data of each type.');

export const listEvents = operation({
  id: 'listEvents',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/events',
  summary: 'Page through the log in the order in which it recorded events',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  status: 200,
  query: z.strictObject({
    ...filter,
    since: instant.optional().describe('Recorded at or after: RFC 3339, or ms since the Unix epoch.'),
    until: instant.optional().describe('Recorded before.'),
    order: z.enum(['newest', 'oldest']).default('newest'),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    cursor: z
      .string()
      .max(4096)
      .optional()
      .describe('`nextCursor` of the page before, with the same order and filter. A page may be empty and still have one.'),
  }),
  answer: z.object({ items: z.array(cloudEvent), nextCursor: z.string().nullable() }),
});

const live = z.strictObject({
  ...filter,
  from: z.string().min(1).max(4096).default('now').describe('`now`, `recent` (the last 50 events first), `beginning`, or a token that came with an event.'),
  since: instant.optional().describe('Begin with what was recorded at or after this time: RFC 3339, or ms since the Unix epoch. Not together with `from`.'),
});

export const followEvents = operation({
  id: 'followEvents',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/events/live',
  summary: 'Follow the log as server-sent events',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  status: 200,
  headers: { 'Last-Event-ID': 'Resume behind this event: nothing is lost and nothing comes twice. Wins over `from` and `since`.' },
  query: live,
  answer: z.string().describe('Each message: `id`, an opaque resume token, and `data`, a CloudEvent.'),
  answerType: 'text/event-stream',
});

export const streamEvents = operation({
  id: 'streamEvents',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/events/stream',
  summary: 'Follow the log as lines of JSON',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  status: 200,
  query: live,
  answer: z
    .string()
    .describe(
      'A line per event: `{"token", "live", "event"}`; `from=TOKEN` resumes behind it. A line with a token alone moves on without an event; one with a `problem` is the last.',
    ),
  answerType: 'application/x-ndjson',
});
export const socketEvents = operation({
  id: 'socketEvents',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/events/ws',
  summary: 'Follow the log over a WebSocket',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  status: 101,
  headers: {
    'Sec-WebSocket-Protocol': '`streams.v1`; browsers, which cannot send Authorization, offer `bearer.<key>` beside it.',
  },
  query: live,
  answer: z
    .string()
    .describe(
      'The messages are the lines of /api/v1/events/stream. Close codes: 1001 the server ends (resume at once), 1008 the key ended, 1011 a failure on our side, 1013 too slow.',
    ),
  answerType: 'application/json',
});
