import { contexts } from '#events';
import { z } from 'zod';
import { asOf, lineOfText, pageCursor, pageLimit, reasonOf, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const common = { tag: 'Events', scopes: ['operate'], tenancy: 'platform', context: 'operation' } as const;
const parkedId = z
  .string()
  .max(200)
  .regex(/^pk-[a-z]{1,32}-\d{1,9}-\d{1,19}-(?:all|[a-z][a-z0-9_]{0,62}-\d{1,9})$/, 'Expected the id of a parked event such as pk-stream-7-88-streams-3.');
const params = z.strictObject({ id: parkedId });
const reason = lineOfText.max(1024);
const state = z
  .enum(['parked', 'retrying', 'discarding', 'redriven', 'discarded', 'gone'])
  .describe('`parked`: it waits for somebody. `gone`: the read model was built anew since, so nothing waits any more.');

const filter = {
  topic: z.enum(contexts).optional(),
  consumer: z
    .string()
    .regex(/^(\*|[a-z][a-z0-9_]{0,62}@\d{1,9})$/, 'Expected a projection and its version such as streams@3, or *.')
    .optional()
    .describe('Only what this reader has set aside; `*`: what nobody can read.'),
  type: z.string().min(1).max(128).optional().describe('Only events of this type.'),
  code: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
    .optional()
    .describe('Only for this reason.'),
};

const summary = z.object({
  id: z.string(),
  state,
  topic: z.string(),
  partition: z.number(),
  offset: z.string(),
  consumer: z.string().describe('Who set it aside, `name@version` of a projection; `*` when nobody can read it.'),
  eventId: z.string(),
  eventType: z.string(),
  code: z.string(),
  field: z.string(),
  message: z.string(),
  attempts: z.number(),
  held: z.number().describe('Events of the same tenant and key that wait behind it.'),
  tenant: z.string().nullable().describe('Whose events wait; null when none do, or every tenant’s: behind what a version parked that knew no tenants.'),
  key: z.string().nullable().describe('The partition key that waits; null when none does.'),
  recordedAt: timestamp.nullable(),
  parkedAt: timestamp.nullable(),
  stateBy: z.string().nullable().describe('Who asked for what became of it.'),
  stateNote: z.string().nullable().describe('Why it was asked for, or why it failed again.'),
  stateAt: timestamp.nullable(),
});

const detail = summary.extend({
  stack: z.string(),
  next: z.string().nullable().describe('Up to which offset the events of the key are taken.'),
  waiting: z.array(z.object({ offset: z.string(), eventId: z.string(), eventType: z.string() })).describe('The first of those that wait behind it.'),
  record: z
    .object({ key: z.string(), headers: z.record(z.string(), z.string()), value: z.string() })
    .nullable()
    .describe('The record as it is on the log; only for admins, and null when the log has it no more.'),
});

export const listParked = operation({
  ...common,
  id: 'listParkedEvents',
  method: 'GET',
  path: '/api/v1/events/parked',
  summary: 'List events that nobody could read or a projection could not take, the newest first',
  status: 200,
  query: z.strictObject({
    ...filter,
    state: z.enum(['parked', 'retrying', 'discarding', 'redriven', 'discarded']).optional(),
    limit: pageLimit,
    cursor: pageCursor,
    asOf,
  }),
  answer: z.object({ items: z.array(summary), nextCursor: z.string().nullable() }),
});

export const showParked = operation({
  ...common,
  id: 'showParkedEvent',
  method: 'GET',
  path: '/api/v1/events/parked/:id',
  summary: 'Show a parked event: why it failed, and what waits behind it',
  status: 200,
  params,
  answer: detail,
});

export const retryParked = operation({
  ...common,
  id: 'retryParkedEvent',
  method: 'POST',
  path: '/api/v1/events/parked/:id/retry',
  summary: 'Have a parked event taken after all, and then what waits behind it, in order',
  status: 202,
  params,
  body: z.strictObject({ reason: reason.default('') }).default({ reason: '' }),
  answer: z.object({ id: z.string(), state }),
});

export const discardParked = operation({
  ...common,
  id: 'discardParkedEvent',
  method: 'POST',
  path: '/api/v1/events/parked/:id/discard',
  summary: 'Leave a parked event out for good, and have what waits behind it taken',
  status: 202,
  params,
  body: z.strictObject({ reason: reasonOf(1024).describe('Why; it stays on the record, with your name.') }),
  answer: z.object({ id: z.string(), state }),
});

export const retryAllParked = operation({
  ...common,
  id: 'retryParkedEvents',
  method: 'POST',
  path: '/api/v1/events/parked/retry',
  summary: 'Have all parked events of a filter taken after all',
  status: 202,
  body: z.strictObject({ ...filter, reason: reason.default(''), limit: z.number().int().min(1).max(1000).default(1000) }),
  answer: z.object({
    ids: z.array(z.string()).describe('Those that were asked for.'),
    refused: z.array(z.object({ id: z.string(), message: z.string() })).describe('Those that cannot be retried, and why.'),
    more: z.boolean().describe('There are more: ask again.'),
  }),
});
