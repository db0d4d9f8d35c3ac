import { contexts } from '#events';
import { z } from 'zod';
import { asOf, pageCursor, pageLimit, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

export const listParked = operation({
  id: 'listParkedEvents',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/events/parked',
  summary: 'List records of the log that cannot be read and were set aside, the newest first',
  scopes: ['operate'],
  tenancy: 'platform',
  context: 'operation',
  status: 200,
  query: z.strictObject({ topic: z.enum(contexts).optional(), limit: pageLimit, cursor: pageCursor, asOf }),
  answer: z.object({
    items: z.array(
      z.object({
        topic: z.string(),
        partition: z.number(),
        offset: z.string(),
        consumer: z.string().describe('Who set it aside; `*` when nobody can read it.'),
        eventId: z.string(),
        eventType: z.string(),
        code: z.string(),
        field: z.string(),
        message: z.string(),
        recordedAt: timestamp.nullable(),
        parkedAt: timestamp.nullable(),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
});
