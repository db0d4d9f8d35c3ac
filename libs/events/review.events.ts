import { z } from 'zod';
import { defineEvent } from './define.ts';

const sampleId = '01926f4e-7d3a-7000-8000-000000000002';

function withoutValues(query: string): string {
  return query.startsWith('{') ? 'events by filters' : query;
}

export const personalDataViewed = defineEvent({
  type: 'personal-data.viewed',
  version: 2,
  context: 'operation',
  meaning: 'Somebody with the right to do so had personal fields of events or rows shown.',
  schema: z.object({
    /** How it was asked for: an operation of the API. */
    operation: z.string().min(1).max(64),
    /** By what it was asked for: names of filters and columns. Never what they were to be: whoever is looked for would stand here for good. */
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
  // Version 1 had the text of a search here.
  upcasters: [(data) => ({ ...(data as object), query: withoutValues((data as { readonly query: string }).query) })],
  oncePersonal: { version: 1, paths: [['query']] },
  samples: [
    { operation: 'showEvent', query: '', eventIds: [sampleId], count: 1, reason: 'ticket 4711: who published here?' },
    { operation: 'searchEvents', query: 'events by type, where', eventIds: [sampleId], count: 1, reason: 'ticket 4711: who published here?' },
  ],
});

export type ReviewEventDefinition = typeof personalDataViewed;
