import { z } from 'zod';
import { defineEvent } from './define.ts';

export const personalDataViewed = defineEvent({
  type: 'personal-data.viewed',
  version: 1,
  context: 'operation',
  meaning: 'Somebody with the right to do so had personal fields of events or rows shown.',
  schema: z.object({
    /** How it was asked for: an operation of the API. */
    operation: z.string().min(1).max(64),
    /** What was asked for: an event's id, the query of a search, cut at 1,000 characters, or a table and the columns that it was asked by. */
    query: z.string().max(1000),
    /** The events that were shown, as far as there is room for their names; none where rows were. */
    eventIds: z.array(z.string().min(1).max(128)).max(200),
    /** All of them. */
    count: z.number().int().nonnegative(),
    /** Why, for people. */
    reason: z.string().min(1).max(1000),
  }),
  key: () => 'personal-data',
  subject: () => 'personal-data',
  samples: [{ operation: 'showEvent', query: '', eventIds: ['01926f4e-7d3a-7000-8000-000000000002'], count: 1, reason: 'ticket 4711: who published here?' }],
});

export type ReviewEventDefinition = typeof personalDataViewed;
