import { z } from 'zod';
import { pageCursor, reasonOf, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const common = { tag: 'Effects', scopes: ['operate'], tenancy: 'platform', context: 'operation' } as const;
const state = z.enum(['pending', 'succeeded', 'failed', 'abandoned']);
const reason = reasonOf(1000);

const effect = z.object({
  id: z.string().describe('Its key: in the ledger, in the queue, and to the receiver.'),
  reactor: z.string(),
  kind: z.string(),
  lane: z.string().describe('Whom or what it is about.'),
  tenant: z.string(),
  eventId: z.string(),
  eventType: z.string(),
  topic: z.string(),
  partition: z.number(),
  offset: z.string(),
  state,
  attempts: z.number(),
  lastError: z.string().nullable(),
  nextTryAt: timestamp.nullable(),
  createdAt: timestamp,
  endedAt: timestamp.nullable(),
  tries: z.array(z.object({ at: timestamp, durationMs: z.number(), ok: z.boolean(), status: z.number().nullable(), detail: z.string() })),
});

export const listEffects = operation({
  ...common,
  id: 'listEffects',
  method: 'GET',
  path: '/api/v1/effects',
  summary: 'List what followed from events and is done outside, the newest first, with every try',
  status: 200,
  query: z.strictObject({
    kind: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,63}$/)
      .optional(),
    state: state.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(20),
    cursor: pageCursor,
  }),
  answer: z.object({ items: z.array(effect), nextCursor: z.string().nullable() }),
});

export const retryEffect = operation({
  ...common,
  id: 'retryEffect',
  method: 'POST',
  path: '/api/v1/effects/:id/retry',
  summary: 'Perform an effect once more, under its old key',
  status: 202,
  params: z.strictObject({ id: z.string().regex(/^ef-[0-9a-f]{32}$/, 'Expected ef- and 32 hexadecimal digits.') }),
  body: z.strictObject({ reason }),
  answer: z.object({ id: z.string() }),
});

export const listReactors = operation({
  ...common,
  id: 'listReactors',
  method: 'GET',
  path: '/api/v1/reactors',
  summary: 'List reactors: which version runs, how far it is behind the log, and what is still to be performed',
  status: 200,
  answer: z.object({
    items: z.array(
      z.object({
        name: z.string(),
        version: z.number(),
        contexts: z.array(z.string()),
        lagEvents: z.number(),
        trouble: z
          .object({ code: z.string(), message: z.string() })
          .nullable()
          .describe('Why it does not move, and the way out: it stands at events that the log no longer holds.'),
        movedAt: timestamp.describe('When any of its checkpoints last moved.'),
        resets: z.number().describe('Resets that were carried out.'),
      }),
    ),
    backlog: z.array(z.object({ kind: z.string(), pending: z.number(), oldestAt: timestamp })).describe('Effects that are not over, by kind.'),
  }),
});

export const resetReactor = operation({
  ...common,
  id: 'resetReactor',
  method: 'POST',
  path: '/api/v1/reactors/:name/reset',
  summary: 'Have a reactor read from elsewhere: what it asked for before is not performed again, what it asks for anew is',
  status: 202,
  params: z.strictObject({ name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'Expected the name of a reactor.') }),
  body: z.strictObject({
    from: z.union([z.enum(['beginning', 'end']), timestamp]).describe('A time means: what was recorded from then on.'),
    reason: reason.describe('Why: it is on the record.'),
  }),
  answer: z.object({ name: z.string(), number: z.number().describe('Which reset of this reactor it is.') }),
});
