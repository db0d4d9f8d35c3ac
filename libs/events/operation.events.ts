import { z } from 'zod';
import { defineEvent } from './define.ts';
import { millis, text } from './fields.ts';

export const eventParked = defineEvent({
  type: 'event.parked',
  version: 2,
  context: 'operation',
  meaning: 'A record of the log was set aside: nobody can read it as it stands, or a projection cannot take it, so its readers went on without it.',
  schema: z.object({
    topic: z.string().min(1).max(249),
    partition: z.number().int().nonnegative(),
    /** Its place in the partition, decimal. */
    offset: z.string().regex(/^\d{1,19}$/),
    /** As far as they can be read; empty otherwise. */
    eventId: text,
    eventType: text,
    /** Why, for machines: a code of the codec, or of the failure. */
    code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
    /** The field at fault, such as `data.mediaSequence`; empty when the whole record is. */
    field: text,
    /** Why, for people. */
    message: text,
    /** The projection that set it aside, `name@version`, whose events of the same key wait behind it; `*` when no reader can read it. */
    consumer: z.string().min(1).max(128),
    /** How often it was tried. */
    attempts: z.number().int().min(1),
    /** Where it failed, without folders of the machine; empty when it cannot be read. */
    stack: z.string().max(4096),
    /** When the log took the record, ms since the Unix epoch. */
    recordedAtMs: millis,
  }),
  key: (data) => `${data.topic}/${data.partition}`,
  subject: (data) => `${data.topic}/${data.partition}/${data.offset}`,
  upcasters: [(data) => ({ ...(data as object), attempts: 1, stack: '' })],
  samples: [
    {
      topic: 'content',
      partition: 3,
      offset: '1041',
      eventId: '01926f4e-7d3a-7000-8000-000000000002',
      eventType: 'content.published',
      code: 'EVENT_DATA_INVALID',
      field: 'data.url',
      message: 'data.url: Invalid URL',
      consumer: '*',
      recordedAtMs: 1790000000000,
    },
    {
      topic: 'stream',
      partition: 7,
      offset: '88',
      eventId: '01926f4e-7d3a-7000-8000-000000000003',
      eventType: 'segment.produced',
      code: 'PROJECTION_FAILED',
      field: '',
      message: 'streams failed on segment.produced (partition 7, offset 88). RangeError: Invalid time value',
      consumer: 'streams@3',
      attempts: 5,
      stack: 'RangeError: Invalid time value\n    at project (dist/libs/domain/stream/stream.projection.js:41:20)',
      recordedAtMs: 1790000000000,
    },
  ],
});

export const ledgerKeyRotated = defineEvent({
  type: 'ledger.key-rotated',
  version: 1,
  context: 'operation',
  meaning: 'The audit ledger got a further key: it and the one before sign from now on.',
  schema: z.object({
    /** Keys that there have been, this one included. */
    number: z.number().int().min(2),
    /** Why, for people. */
    reason: z.string().min(1).max(1000),
  }),
  key: () => 'ledger',
  subject: () => 'ledger',
  samples: [{ number: 2, reason: 'once a year' }],
});

export const ledgerBegunAnew = defineEvent({
  type: 'ledger.begun-anew',
  version: 1,
  context: 'operation',
  meaning: 'The tree of a partition was begun anew where the log begins: what comes next in the one before was removed before the ledger took it in.',
  schema: z.object({
    topic: z.string().min(1).max(249),
    partition: z.number().int().nonnegative(),
    /** The offset of its first record, decimal. */
    beginsAt: z.string().regex(/^\d{1,19}$/),
    /** Of the tree that was given up. */
    records: z.number().int().nonnegative(),
    /** Why, for people. */
    reason: z.string().min(1).max(1000),
  }),
  key: (data) => `${data.topic}/${data.partition}`,
  subject: (data) => `${data.topic}/${data.partition}/ledger`,
  samples: [{ topic: 'content', partition: 0, beginsAt: '2469', records: 1705, reason: 'an old backup was restored' }],
});

export type OperationEventDefinition = typeof eventParked | typeof ledgerKeyRotated | typeof ledgerBegunAnew;
