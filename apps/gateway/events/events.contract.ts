import { catalogue, contexts } from '#events';
import { z } from 'zod';
import { operation } from '../http/operation.ts';

const types = catalogue.map((definition) => definition.type);

const typeList = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .pipe(z.array(z.enum(types)).min(1).max(types.length))
  .describe('Event types, repeated or separated by commas.');

const filter = {
  context: z.enum(contexts).optional(),
  type: typeList.optional(),
  subject: z.string().min(1).max(256).optional().describe('Exactly this subject, or everything under it.'),
  key: z.string().min(1).max(256).optional().describe('Partition key, such as a stream id.'),
};

const instant = z
  .union([z.iso.datetime({ offset: true }), z.string().regex(/^\d{1,15}$/)])
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)));

const cloudEvent = z
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
  status: 200,
  query: z.strictObject({
    ...filter,
    since: instant.optional().describe('Recorded at or after: RFC 3339, or ms since the Unix epoch.'),
    until: instant.optional().describe('Recorded before.'),
    order: z.enum(['newest', 'oldest']).default('newest'),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    cursor: z
      .string()
      .max(2048)
      .optional()
      .describe('`nextCursor` of the page before, with the same order and filter. A page may be empty and still have one.'),
  }),
  answer: z.object({ items: z.array(cloudEvent), nextCursor: z.string().nullable() }),
});

export const followEvents = operation({
  id: 'followEvents',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/events/live',
  summary: 'Follow the log as server-sent events',
  scopes: ['view', 'operate'],
  status: 200,
  headers: { 'Last-Event-ID': 'Resume behind this event: nothing is lost and nothing comes twice. Wins over `from`.' },
  query: z.strictObject({
    ...filter,
    from: z.string().min(1).max(2048).default('now').describe('`now`, `recent` (the last 50 events first), `beginning`, or the id of an event.'),
  }),
  answer: z.string().describe('Each message: `id`, an opaque resume token, and `data`, a CloudEvent.'),
  answerType: 'text/event-stream',
});
