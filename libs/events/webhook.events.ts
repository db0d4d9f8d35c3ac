import { z } from 'zod';
import { defineEvent } from './define.ts';
import { contexts } from './envelope.ts';
import { id, millis, text, withoutNul, withoutReason } from './fields.ts';

const webhookId = 'wh-7f3k2m9qabcdefgh';
const common = {
  context: 'operation' as const,
  version: 1,
  key: (data: { webhookId: string }) => data.webhookId,
};

const settings = {
  webhookId: id,
  url: z.string().min(1).max(2048).regex(withoutNul),
  description: z.string().max(200).regex(withoutNul),
  /** Only events of these contexts; null: of all. */
  contexts: z.array(z.enum(contexts)).max(contexts.length).nullable(),
  /** Only these types; null: all. */
  types: z.array(z.string().min(1).max(128)).max(100).nullable(),
  /** Only about this subject, or what is under it; null: about any. */
  subject: z.string().min(1).max(256).regex(withoutNul).nullable(),
};

const sample = { webhookId, url: 'https://example.com/hook', description: 'billing', contexts: ['stream' as const], types: ['stream.stopped'], subject: null };

/** Versions 1 and 2 were of times with fewer contexts. */
const newContexts = (data: unknown): unknown => data;

export const webhookRegistered = defineEvent({
  ...common,
  version: 3,
  upcasters: [newContexts, newContexts],
  type: 'webhook.registered',
  meaning: 'Somebody wants events to be delivered to a URL; the secret that signs them is not in here.',
  schema: z.object({ ...settings, registeredAtMs: millis }),
  samples: [
    { ...sample, registeredAtMs: 1790000000000 },
    { ...sample, contexts: ['zone' as const], registeredAtMs: 1790000000000 },
    { ...sample, contexts: ['traffic' as const], registeredAtMs: 1790000000000 },
  ],
});

export const webhookChanged = defineEvent({
  ...common,
  version: 4,
  upcasters: [newContexts, newContexts, withoutReason],
  type: 'webhook.changed',
  meaning: 'A webhook has other settings, or is enabled or disabled by its owner.',
  schema: z.object({ ...settings, enabled: z.boolean(), reason: text }),
  samples: [
    { ...sample, enabled: true },
    { ...sample, contexts: ['zone' as const], enabled: true },
    { ...sample, contexts: ['traffic' as const], enabled: true },
    { ...sample, enabled: false, reason: 'its receiver moves house' },
  ],
});

export const webhookSecretRotated = defineEvent({
  ...common,
  version: 2,
  upcasters: [withoutReason],
  type: 'webhook.secret-rotated',
  meaning: 'A webhook signs with a new secret; for a while with the one before as well.',
  schema: z.object({ webhookId: id, number: z.number().int().min(2), previousUntilMs: millis, reason: text }),
  samples: [
    { webhookId, number: 2, previousUntilMs: 1790086400000 },
    { webhookId, number: 2, previousUntilMs: 1790086400000, reason: 'it was in a ticket' },
  ],
});

export const webhookDisabled = defineEvent({
  ...common,
  type: 'webhook.disabled',
  meaning: 'The platform stopped delivering to a webhook: its receiver said that it is gone, or took nothing for as long as it was tried.',
  schema: z.object({ webhookId: id, reason: z.enum(['gone', 'failing']), detail: text }),
  samples: [{ webhookId, reason: 'gone', detail: 'HTTP 410' }],
});

export const webhookTestRequested = defineEvent({
  ...common,
  type: 'webhook.test-requested',
  meaning: 'Somebody asked for this very event to be delivered to a webhook, to see whether it arrives.',
  schema: z.object({ webhookId: id, number: z.number().int().positive() }),
  samples: [{ webhookId, number: 1 }],
});

export const webhookRemoved = defineEvent({
  ...common,
  type: 'webhook.removed',
  meaning: 'A webhook is no more; its secrets are forgotten.',
  schema: z.object({ webhookId: id, reason: text }),
  samples: [{ webhookId, reason: 'moved' }],
});

export type WebhookEventDefinition =
  | typeof webhookRegistered
  | typeof webhookChanged
  | typeof webhookSecretRotated
  | typeof webhookDisabled
  | typeof webhookTestRequested
  | typeof webhookRemoved;
