import { secretOverlapMsMax, webhookTypes } from '#domain/operation';
import { contexts } from '#events';
import { z } from 'zod';
import { eventId, lineOfText, pageCursor, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const webhookId = z.string().regex(/^wh-[a-z2-7]{8,26}$/, 'Expected a webhook id such as wh-7f3k2m9q.');
const deliveryId = z.string().regex(/^ef-[0-9a-f]{32}$/, 'Expected the id of a delivery: ef- and 32 hexadecimal digits.');
const params = z.strictObject({ id: webhookId });
const ofDelivery = z.strictObject({ id: webhookId, deliveryId });
const common = { tag: 'Webhooks', scopes: ['operate'], tenancy: 'own', context: 'operation' } as const;

const known = new Set<string>(webhookTypes);
const url = z.string().min(1).max(2048).describe('https:// or http://, without name and password.');
const description = lineOfText.max(200);
const wantedContexts = z.array(z.enum(contexts)).min(1).max(contexts.length);
const types = z
  .array(z.string().refine((type) => known.has(type), 'This is no type of event that is delivered; GET /api/v1/catalogue names them.'))
  .min(1)
  .max(100);
const reason = lineOfText.max(200).default('').describe('Why, for the record.');
const subject = eventId.max(256).or(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,255}$/));

const webhook = z.object({
  id: z.string(),
  url: z.string(),
  description: z.string(),
  contexts: z.array(z.enum(contexts)).nullable().describe('Only events of these; null for all.'),
  types: z.array(z.string()).nullable().describe('Only events of these; null for all.'),
  subject: z.string().nullable().describe('Only events about this, or what is under it; null for all.'),
  status: z.enum(['enabled', 'disabled']),
  disabledBecause: z
    .enum(['owner', 'gone', 'failing'])
    .nullable()
    .describe('`gone`: it answered 410. `failing`: nothing was taken for as long as it was tried.'),
  registeredAt: timestamp,
  secretNumber: z.number().describe('Which of its secrets signs; the first is 1.'),
  previousSecretUntil: timestamp.nullable().describe('Until then the secret before signs as well.'),
});

const secret = z.string().describe('`whsec_` and base64; shown this once.');

export const registerWebhook = operation({
  ...common,
  id: 'registerWebhook',
  method: 'POST',
  path: '/api/v1/webhooks',
  summary: 'Have events delivered to a URL, signed as Standard Webhooks; the secret is shown this once',
  status: 201,
  headers: { 'Idempotency-Key': 'A repeated request with the same key makes no second webhook and gets the same answer.' },
  body: z.strictObject({
    url,
    description: description.default(''),
    contexts: wantedContexts.optional(),
    types: types.optional(),
    subject: subject.optional(),
  }),
  answer: webhook.extend({ secret }),
});

export const listWebhooks = operation({
  ...common,
  id: 'listWebhooks',
  method: 'GET',
  path: '/api/v1/webhooks',
  summary: 'List webhooks, the newest first; without their secrets',
  status: 200,
  answer: z.object({ items: z.array(webhook) }),
});

export const showWebhook = operation({
  ...common,
  id: 'showWebhook',
  method: 'GET',
  path: '/api/v1/webhooks/:id',
  summary: 'Show a webhook',
  status: 200,
  params,
  answer: webhook,
});

export const changeWebhook = operation({
  ...common,
  id: 'changeWebhook',
  method: 'PATCH',
  path: '/api/v1/webhooks/:id',
  summary: 'Change where a webhook goes and what it wants, enable or disable it; what is left out stays',
  status: 200,
  params,
  body: z.strictObject({
    url: url.optional(),
    description: description.optional(),
    contexts: wantedContexts.nullable().optional(),
    types: types.nullable().optional(),
    subject: subject.nullable().optional(),
    enabled: z.boolean().optional(),
    reason,
  }),
  answer: webhook,
});

export const rotateWebhookSecret = operation({
  ...common,
  id: 'rotateWebhookSecret',
  method: 'POST',
  path: '/api/v1/webhooks/:id/rotate',
  summary: 'Give a webhook a new secret, shown this once; for a while both sign',
  status: 200,
  params,
  body: z
    .strictObject({
      overlapSeconds: z
        .number()
        .int()
        .min(0)
        .max(secretOverlapMsMax / 1000)
        .default(86_400)
        .describe('How long the secret before goes on signing.'),
      reason,
    })
    .default({ overlapSeconds: 86_400, reason: '' }),
  answer: webhook.extend({ secret }),
});

export const removeWebhook = operation({
  ...common,
  id: 'removeWebhook',
  method: 'DELETE',
  path: '/api/v1/webhooks/:id',
  summary: 'Remove a webhook; what waits for it is not delivered any more',
  status: 204,
  params,
  query: z.strictObject({ reason: lineOfText.max(200).optional().describe('Why, for the record.') }),
});

export const testWebhook = operation({
  ...common,
  id: 'testWebhook',
  method: 'POST',
  path: '/api/v1/webhooks/:id/test',
  summary: 'Have a test event delivered to a webhook, whatever else it wants',
  status: 202,
  params,
  answer: z.object({ eventId: z.string().describe('Of the event that is delivered.') }),
});

const attempt = z.object({
  at: timestamp,
  durationMs: z.number(),
  ok: z.boolean(),
  status: z.number().nullable().describe('HTTP status; null when there was no answer.'),
  detail: z.string().describe('The beginning of the answer, or why there was none.'),
});

const delivery = z.object({
  id: z.string().describe('The same for every try, as the receiver sees it in `webhook-id`.'),
  eventId: z.string(),
  eventType: z.string(),
  topic: z.string(),
  partition: z.number(),
  offset: z.string(),
  state: z.enum(['pending', 'succeeded', 'failed', 'abandoned']),
  attempts: z.number().describe('Tries that came to an end, since it was last asked for.'),
  lastError: z.string().nullable(),
  nextTryAt: timestamp.nullable().describe('When it is tried again; null when it is over.'),
  createdAt: timestamp,
  endedAt: timestamp.nullable(),
  tries: z.array(attempt).describe('The last 100, the first first.'),
});

export const listDeliveries = operation({
  ...common,
  id: 'listWebhookDeliveries',
  method: 'GET',
  path: '/api/v1/webhooks/:id/deliveries',
  summary: 'List what was delivered to a webhook and what was not, the newest first, with every try',
  status: 200,
  params,
  query: z.strictObject({
    state: z.enum(['pending', 'succeeded', 'failed', 'abandoned']).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(20),
    cursor: pageCursor,
  }),
  answer: z.object({ items: z.array(delivery), nextCursor: z.string().nullable() }),
});

export const redeliver = operation({
  ...common,
  id: 'redeliverToWebhook',
  method: 'POST',
  path: '/api/v1/webhooks/:id/deliveries/:deliveryId/redeliver',
  summary: 'Deliver an event once more, under the same `webhook-id`',
  status: 202,
  params: ofDelivery,
  body: z.strictObject({ reason }).default({ reason: '' }),
  answer: z.object({ id: z.string() }),
});
