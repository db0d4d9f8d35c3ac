import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, id, millis, text } from './fields.ts';

const effectKey = 'ef-5f1c09d2a7b3e8419c0de7f2b1a45360';
const kind = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
const common = {
  context: 'operation' as const,
  version: 1,
  key: (data: { effectKey: string }) => data.effectKey,
  subject: (data: { effectKey: string }) => data.effectKey,
};

/** How an effect ended. Its cause is the event that it follows from. */
const outcome = {
  effectKey: id,
  reactor: id,
  kind,
  /** Who or what was acted on: a webhook, a stream. */
  lane: id,
  /** How often it was tried in this round. */
  attempts: count,
  /** 0 at first; one more whenever somebody asked for it again. */
  round: count,
};

const sample = { effectKey, reactor: 'webhooks', kind: 'webhook-delivery', lane: 'wh-7f3k2m9qabcd', attempts: 1, round: 0 };

export const effectSucceeded = defineEvent({
  ...common,
  type: 'effect.succeeded',
  meaning: 'Something that followed from an event was done outside, and the other side has confirmed it.',
  schema: z.object(outcome),
  samples: [sample],
});

export const effectFailed = defineEvent({
  ...common,
  type: 'effect.failed',
  meaning: 'Something that followed from an event was not done, and trying again would not help.',
  schema: z.object({ ...outcome, message: text }),
  samples: [{ ...sample, message: 'The webhook is disabled.' }],
});

export const effectAbandoned = defineEvent({
  ...common,
  type: 'effect.abandoned',
  meaning: 'Something that followed from an event was tried as often as it may be, and is given up.',
  schema: z.object({ ...outcome, message: text }),
  samples: [{ ...sample, attempts: 8, message: 'HTTP 503' }],
});

export const effectRetryRequested = defineEvent({
  ...common,
  type: 'effect.retry-requested',
  meaning: 'Somebody asked that an effect be performed once more, under its old key.',
  schema: z.object({ effectKey: id, reason: text }),
  samples: [{ effectKey, reason: 'the receiver is back' }],
});

export const reactorReset = defineEvent({
  type: 'reactor.reset',
  version: 1,
  context: 'operation',
  meaning: 'Somebody had a reactor read from elsewhere: what it asks for there anew is performed, what was asked for before is not.',
  schema: z.object({
    reactor: id,
    /** Resets of this reactor that there have been, this one included. */
    number: z.number().int().positive(),
    from: z.enum(['beginning', 'end', 'time']),
    /** For `time`: what was recorded from then on, ms since the Unix epoch. */
    fromMs: millis.nullable(),
    reason: z.string().min(1).max(1000),
  }),
  key: (data) => data.reactor,
  samples: [{ reactor: 'webhooks', number: 1, from: 'end', fromMs: null, reason: 'a flood of test events' }],
});

export type EffectEventDefinition = typeof effectSucceeded | typeof effectFailed | typeof effectAbandoned | typeof effectRetryRequested | typeof reactorReset;
