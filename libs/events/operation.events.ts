import { z } from 'zod';
import { defineEvent } from './define.ts';
import { millis, text } from './fields.ts';

export const eventParked = defineEvent({
  type: 'event.parked',
  version: 1,
  context: 'operation',
  meaning: 'A record of the log was set aside: it can never be read as it stands, so its readers went on without it.',
  schema: z.object({
    topic: z.string().min(1).max(249),
    partition: z.number().int().nonnegative(),
    /** Its place in the partition, decimal. */
    offset: z.string().regex(/^\d{1,19}$/),
    /** As far as they can be read; empty otherwise. */
    eventId: text,
    eventType: text,
    /** Why, for machines: a code of the codec. */
    code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
    /** The field at fault, such as `data.mediaSequence`; empty when the whole record is. */
    field: text,
    /** Why, for people. */
    message: text,
    /** The reader that set it aside; `*` when no reader can read it. */
    consumer: z.string().min(1).max(128),
    /** When the log took the record, ms since the Unix epoch. */
    recordedAtMs: millis,
  }),
  key: (data) => `${data.topic}/${data.partition}`,
  subject: (data) => `${data.topic}/${data.partition}/${data.offset}`,
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

export type OperationEventDefinition = typeof eventParked | typeof ledgerKeyRotated;
