import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, id, millis, text } from './fields.ts';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
const sandboxId = z.string().regex(/^[a-z0-9]{6,16}$/);
const sample = { name: 'try-streams-3', sandboxId: '7f3k2m9q' };
const common = {
  context: 'operation' as const,
  version: 1,
  key: (data: { name: string }) => `sandbox:${data.name}`,
  subject: (data: { name: string }) => `sandbox:${data.name}`,
};

export const sandboxCreated = defineEvent({
  ...common,
  type: 'sandbox.created',
  meaning: 'Somebody asked for read models of a part of the log, in a schema of their own, to look at.',
  schema: z.object({
    name,
    /** Names this one among all that ever had the name; its schema is `sandbox_<sandboxId>`. */
    sandboxId,
    projections: z.array(id).min(1).max(64),
    /** Only events recorded from then on, ms since the Unix epoch; null: from the beginning. */
    fromMs: millis.nullable(),
    /** Only events recorded before. */
    untilMs: millis,
    /** When it is dropped by itself. */
    expiresAtMs: millis,
    reason: text,
  }),
  samples: [{ ...sample, projections: ['streams'], fromMs: null, untilMs: 1790000000000, expiresAtMs: 1790604800000, reason: 'why did it stop' }],
});

export const sandboxReady = defineEvent({
  ...common,
  version: 2,
  type: 'sandbox.ready',
  meaning: 'The read models of a sandbox are built and can be looked at.',
  schema: z.object({
    name,
    sandboxId,
    events: count,
    skipped: count,
    /** Events that the log no longer held when it was built: what only they told is not in it. */
    eventsGone: count,
  }),
  upcasters: [(data) => ({ ...(data as object), eventsGone: 0 })],
  samples: [
    { ...sample, events: 120_000, skipped: 0 },
    { ...sample, events: 120_000, skipped: 0, eventsGone: 60_000 },
  ],
});

export const sandboxFailed = defineEvent({
  ...common,
  type: 'sandbox.failed',
  meaning: 'A sandbox could not be built; it stays until it is dropped.',
  schema: z.object({ name, sandboxId, code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), message: text }),
  samples: [{ ...sample, code: 'PROJECTION_FAILED', message: 'streams failed on stream.started (partition 3, offset 17).' }],
});

export const sandboxDropRequested = defineEvent({
  ...common,
  version: 2,
  type: 'sandbox.drop-requested',
  meaning: 'Somebody, or the end of its time, asked that a sandbox is removed.',
  schema: z.object({
    name,
    sandboxId,
    reason: text,
    /** By whom it is dropped, also where a projector does it later; empty in events from before. */
    requestedBy: text,
  }),
  upcasters: [(data) => ({ ...(data as object), requestedBy: '' })],
  samples: [
    { ...sample, reason: 'done' },
    { ...sample, reason: 'done', requestedBy: 'key:k-3f9a2c' },
  ],
});

export const sandboxDropped = defineEvent({
  ...common,
  type: 'sandbox.dropped',
  meaning: 'Nothing of a sandbox is left: neither tables nor blobs nor what was noted about it.',
  schema: z.object({ name, sandboxId }),
  samples: [sample],
});

export type SandboxEventDefinition = typeof sandboxCreated | typeof sandboxReady | typeof sandboxFailed | typeof sandboxDropRequested | typeof sandboxDropped;
