import { z } from 'zod';
import { purgeView } from '../cdn/cdn.contract.ts';
import { lineOfText, purgeId, streamId, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';
import { difference } from '../replays/replays.contract.ts';
import { streamDetail, streamSummary } from '../streams/streams.contract.ts';
import { rowsAnswer, rowsQuery } from '../watch/rows.contract.ts';

const recordedAt = timestamp.refine((text) => Date.parse(text) >= 0, 'Expected a time from 1970 on.');

const sandboxName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'Expected a-z, 0-9 and "-", beginning with a letter, 32 at most.');
const projectionName = z.string().min(1).max(50);
const reason = lineOfText.max(1024).default('');
const params = z.strictObject({ name: sandboxName });
/** A sandbox holds the rows of every tenant. */
const common = { tag: 'Sandboxes', scopes: ['operate'], tenancy: 'all', context: 'operation' } as const;
const hoursMax = 8760;

const eventsGone = z.number().describe('Events that the log no longer held when it was built (`LOG_SEALED_DAYS`): rows that only they told of are not in it.');
const built = z.object({ projection: z.string(), done: z.number(), total: z.number(), eventsPerSecond: z.number(), eventsGone });

const sandbox = z.object({
  name: z.string(),
  id: z.string(),
  status: z.enum(['building', 'ready', 'failed', 'dropping', 'dropped']),
  projections: z.array(z.string()),
  from: timestamp.nullable(),
  until: timestamp,
  expiresAt: timestamp,
  reason: z.string(),
  createdBy: z.string().nullable(),
  createdAt: timestamp.nullable(),
  note: z.string().nullable().describe('Why it failed, why it is being dropped, or why it is built a second time.'),
  eventsGone: eventsGone.nullable(),
  progress: z.array(built).describe('Of the projections that were begun.'),
});

export const createSandbox = operation({
  ...common,
  id: 'createSandbox',
  method: 'POST',
  path: '/api/v1/sandboxes',
  summary: 'Build read models of a part of the log beside the platform, to look at; nothing else sees them, and nothing is set off',
  status: 202,
  headers: { 'Idempotency-Key': 'A repeated request with the same key is the same sandbox.' },
  body: z.strictObject({
    name: sandboxName,
    from: recordedAt.optional().describe('Only events recorded from then on.'),
    until: recordedAt.optional().describe('Only events recorded before; now when left out. A time to come is refused.'),
    projections: z.array(projectionName).min(1).max(64).optional().describe('All of them when left out.'),
    expiresInHours: z.number().int().min(1).max(hoursMax).optional(),
    reason,
  }),
  answer: z.object({ name: z.string(), id: z.string() }),
});

export const listSandboxes = operation({
  ...common,
  id: 'listSandboxes',
  method: 'GET',
  path: '/api/v1/sandboxes',
  summary: 'List the sandboxes that there are',
  status: 200,
  answer: z.object({ items: z.array(sandbox) }),
});

export const showSandbox = operation({
  ...common,
  id: 'showSandbox',
  method: 'GET',
  path: '/api/v1/sandboxes/:name',
  summary: 'Show a sandbox',
  status: 200,
  params,
  answer: sandbox,
});

export const dropSandbox = operation({
  ...common,
  id: 'dropSandbox',
  method: 'DELETE',
  path: '/api/v1/sandboxes/:name',
  summary: 'Remove a sandbox with all that it has',
  status: 202,
  params,
  query: z.strictObject({ reason: reason.describe('Why, for the record.') }),
  answer: z.object({ name: z.string(), status: z.string() }),
});

export const compareSandbox = operation({
  ...common,
  id: 'compareSandbox',
  method: 'GET',
  path: '/api/v1/sandboxes/:name/differences',
  summary: 'Compare a read model of a sandbox with the one that serves, as both are now',
  status: 200,
  params,
  query: z.strictObject({ projection: projectionName }),
  answer: difference.extend({ eventsGone }),
});

export const readSandboxRows = operation({
  ...common,
  id: 'readSandboxRows',
  method: 'GET',
  path: '/api/v1/sandboxes/:name/rows/:table',
  summary: 'List rows of a table of a sandbox, in the order of their keys',
  status: 200,
  params: z.strictObject({ name: sandboxName, table: z.string().min(1).max(64) }),
  query: rowsQuery,
  answer: rowsAnswer,
});

export const listSandboxStreams = operation({
  ...common,
  id: 'listSandboxStreams',
  method: 'GET',
  path: '/api/v1/sandboxes/:name/streams',
  summary: 'List the streams of a sandbox, as the list of streams does',
  status: 200,
  params,
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50), cursor: z.string().max(256).optional() }),
  answer: z.object({ items: z.array(streamSummary), nextCursor: z.string().nullable() }),
});

export const showSandboxStream = operation({
  ...common,
  id: 'showSandboxStream',
  method: 'GET',
  path: '/api/v1/sandboxes/:name/streams/:id',
  summary: 'Show a stream of a sandbox, as a stream is shown',
  status: 200,
  params: z.strictObject({ name: sandboxName, id: streamId }),
  answer: streamDetail,
});

export const showSandboxPurge = operation({
  ...common,
  id: 'showSandboxPurge',
  method: 'GET',
  path: '/api/v1/sandboxes/:name/purges/:id',
  summary: 'Show a purge of a sandbox, as a purge is shown',
  status: 200,
  params: z.strictObject({ name: sandboxName, id: purgeId }),
  answer: purgeView,
});
