import { z } from 'zod';
import { timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const prefetchModel = z.object({
  zone: z.string().nullable().describe('Id; null for the platform’s own.'),
  zoneName: z.string(),
  mirroredFrom: z.string().nullable().describe('The region of REGION_PEERS whose edges have it; null for this one.'),
  number: z.number().describe('Of the zone’s models: each has the next.'),
  cid: z.string().nullable().describe('Of the blob; null where nothing is foreseen any more, because it was foreseen badly.'),
  sizeBytes: z.number(),
  publishedAt: timestamp.nullable(),
  trainedAt: timestamp.nullable().describe('When the newest request came that it was made of.'),
  transitions: z.number(),
  learnedFrom: z.number().describe('Requests that it was made of.'),
  triedOn: z.number().describe('Requests that it was tried on, and not made of.'),
  precision: z.number().describe('Of what it foresaw of those, the share that was asked for. What becomes of it at edges is in their metrics.'),
  coverage: z.number().describe('Of what was asked for of those, the share that it foresaw.'),
});

export const listPrefetchModels = operation({
  id: 'listPrefetchModels',
  tag: 'CDN',
  method: 'GET',
  path: '/api/v1/cdn/prefetch/models',
  summary: 'By which models edges foresee what is asked for next, by zone',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'zone',
  status: 200,
  answer: z.object({ items: z.array(prefetchModel) }),
});
