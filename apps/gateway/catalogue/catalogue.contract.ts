import { contexts } from '#events';
import { z } from 'zod';
import { operation } from '../http/operation.ts';

const entry = z.object({
  type: z.string(),
  version: z.number().describe('The newest; every version from 1 on can be read.'),
  context: z.enum(contexts).describe('The topic, too.'),
  open: z.boolean().describe('True when backend teams may publish it.'),
  meaning: z.string(),
  dataschema: z.string(),
});

export const listCatalogue = operation({
  id: 'listCatalogue',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/catalogue',
  summary: 'List the types of events there are',
  scopes: ['publish', 'view', 'operate'],
  tenancy: 'own',
  status: 200,
  query: z.strictObject({ context: z.enum(contexts).optional(), open: z.enum(['true', 'false']).optional() }),
  answer: z.object({ items: z.array(entry) }),
});

export const showEventType = operation({
  id: 'showEventType',
  tag: 'Events',
  method: 'GET',
  path: '/api/v1/catalogue/:type',
  summary: 'Show a type of event: its JSON Schema and a sample per version',
  scopes: ['publish', 'view', 'operate'],
  tenancy: 'own',
  status: 200,
  params: z.strictObject({ type: z.string().min(1).max(128) }),
  answer: entry.extend({
    sampleKey: z.string().describe('The partition key of the newest sample.'),
    versions: z.array(z.object({ version: z.number(), dataschema: z.string(), schema: z.record(z.string(), z.unknown()), sample: z.unknown() })),
  }),
});
