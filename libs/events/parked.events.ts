import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, text } from './fields.ts';

/** `topic/partition/offset/consumer`, as in `event.parked`. */
const place = {
  parkedId: z.string().min(1).max(256),
  topic: z.string().min(1).max(249),
  partition: z.number().int().nonnegative(),
  offset: z.string().regex(/^\d{1,19}$/),
  consumer: z.string().min(1).max(128),
};
/** Counts what was asked for this event, so that a late word about an order before is known as such. */
const order = z.number().int().min(1);
const who = { requestedBy: text, reason: text };

const common = {
  context: 'operation' as const,
  version: 1,
  key: (data: { parkedId: string }) => data.parkedId,
  subject: (data: { parkedId: string }) => data.parkedId,
};
const sample = { parkedId: 'pk-stream-7-88-streams-3', topic: 'stream', partition: 7, offset: '88', consumer: 'streams@3', order: 1 };
const asked = { requestedBy: 'key:k-3f9a2c', reason: 'mended in 1.4.2' };

export const parkedRetryRequested = defineEvent({
  ...common,
  type: 'parked-event.retry-requested',
  meaning: 'Somebody asked that a parked event be taken after all, and then what waits behind it.',
  schema: z.object({ ...place, order, ...who }),
  samples: [{ ...sample, ...asked }],
});

export const parkedDiscardRequested = defineEvent({
  ...common,
  type: 'parked-event.discard-requested',
  meaning: 'Somebody asked that a parked event be left out for good, and what waits behind it be taken.',
  schema: z.object({ ...place, order, ...who }),
  samples: [{ ...sample, ...asked, reason: 'a test that went astray' }],
});

export const parkedRedriven = defineEvent({
  ...common,
  type: 'parked-event.redriven',
  meaning: 'A parked event was taken, and its successors after it, up to one that failed, which is parked in its place.',
  schema: z.object({ ...place, order, ...who, applied: count }),
  samples: [{ ...sample, ...asked, applied: 14 }],
});

export const parkedRetryFailed = defineEvent({
  ...common,
  type: 'parked-event.retry-failed',
  meaning: 'A parked event failed again and stays parked, or it is not there any more.',
  schema: z.object({ ...place, order, ...who, code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), message: text, attempts: count }),
  samples: [{ ...sample, ...asked, code: 'PROJECTION_FAILED', message: 'streams failed on segment.produced.', attempts: 6 }],
});

export const parkedDiscarded = defineEvent({
  ...common,
  type: 'parked-event.discarded',
  meaning: 'A parked event was left out for good by whom it says; what waited behind it was taken.',
  schema: z.object({ ...place, order, ...who, applied: count }),
  samples: [{ ...sample, ...asked, reason: 'a test that went astray', applied: 3 }],
});

export type ParkedEventDefinition =
  | typeof parkedRetryRequested
  | typeof parkedDiscardRequested
  | typeof parkedRedriven
  | typeof parkedRetryFailed
  | typeof parkedDiscarded;
