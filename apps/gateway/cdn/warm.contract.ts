import { warmUrlsMax } from '#domain/cache';
import { warmFailuresMax } from '#events';
import { z } from 'zod';
import { asOf, eventId, lineOfText, pageCursor, timestamp, warmId } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

/** Of an edge, where warmings are listed. */
export const warmFailuresListed = 5;

const location = lineOfText.min(1).max(4096);

export const warmView = z.object({
  id: z.string(),
  mode: z.enum(['fetch', 'dry-run']).describe('dry-run: edges only tell what they have.'),
  urls: z.array(z.string()).describe('The first ones.'),
  sitemaps: z.array(z.string()),
  regions: z.array(z.string()),
  edges: z.array(z.string()),
  total: z.number().describe('How many URLs it names, besides those in sitemaps.'),
  reason: z.string(),
  requestedAt: timestamp.nullable().describe('Null until the read model has it.'),
  requestedBy: z.string().nullable(),
  progress: z
    .object({
      edges: z.number().describe('Edges of this region that are up and chosen, and those that have finished.'),
      finished: z.number(),
      fetched: z.number(),
      present: z.number(),
      failed: z.number(),
      bytes: z.number(),
      pending: z.array(z.string()).describe('Edges that are up and have not finished.'),
    })
    .nullable()
    .describe('Null for a moment of the past.'),
  results: z.array(
    z.object({
      edgeId: z.string(),
      mirroredFrom: z.string().nullable(),
      region: z.string(),
      urls: z.number().describe('That it went through, those of sitemaps among them.'),
      present: z.number().describe('That it had already.'),
      fetched: z.number().describe('That it fetched and stored; of a dry run, that it would fetch.'),
      failed: z.number().describe('URLs that came to nothing, and sitemaps, or what they list, that did.'),
      bytes: z.number(),
      failures: z
        .array(
          z.object({
            url: z.string(),
            status: z.number().nullable().describe('Of the origin’s answer; null where there was none.'),
            reason: z.string(),
          }),
        )
        .describe(`What failed and why: the first ${warmFailuresMax} of an edge; where warmings are listed, the first ${warmFailuresListed}.`),
      finishedAt: timestamp.nullable(),
    }),
  ),
});

export const warmCache = operation({
  id: 'warmCache',
  tag: 'CDN',
  method: 'POST',
  path: '/api/v1/cdn/warm',
  summary: 'Make edges fetch what will be asked for, before it is',
  scopes: ['operate'],
  tenancy: 'own',
  context: 'cache',
  status: 202,
  headers: { 'Idempotency-Key': 'A repeated request with the same key is the same warming.' },
  body: z.strictObject({
    urls: z.array(location).max(warmUrlsMax).default([]).describe('Absolute URLs on hosts of zones, or absolute paths of the platform’s own media.'),
    sitemaps: z
      .array(location)
      .max(10)
      .default([])
      .describe('URLs of sitemaps, or of indexes of them; packed or not. What they list on their own host is fetched.'),
    top: z
      .number()
      .int()
      .min(1)
      .max(warmUrlsMax)
      .optional()
      .describe(
        'So many of the URLs that were asked for most, in the last hour or, where that says too little, in the last day; besides those that are named.',
      ),
    region: eventId
      .optional()
      .describe('Whose favourites `top` means; those of all regions when left out. Unless `regions` or `edges` say otherwise, its edges fetch them.'),
    regions: z.array(eventId).max(100).default([]).describe('Edges of these regions alone.'),
    edges: z.array(eventId).max(100).default([]).describe('These edges alone; one that there is not is 404.'),
    perSecond: z.number().int().min(1).max(1000).default(100).describe('What one edge asks the origins for at most, per second.'),
    dryRun: z.boolean().default(false).describe('Only tell how much of it each edge has.'),
    reason: lineOfText.max(1024).default(''),
  }),
  answer: z.object({ warmId: z.string() }),
});

export const showWarm = operation({
  id: 'showWarm',
  tag: 'CDN',
  method: 'GET',
  path: '/api/v1/cdn/warms/:id',
  summary: 'Show how far each edge has come with a warming',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'cache',
  status: 200,
  params: z.strictObject({ id: warmId }),
  query: z.strictObject({ asOf }),
  answer: warmView,
});

export const listWarms = operation({
  id: 'listWarms',
  tag: 'CDN',
  method: 'GET',
  path: '/api/v1/cdn/warms',
  summary: 'List warmings and how far edges have come, the newest first',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'cache',
  status: 200,
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20), cursor: pageCursor, asOf }),
  answer: z.object({ items: z.array(warmView), nextCursor: z.string().nullable() }),
});
