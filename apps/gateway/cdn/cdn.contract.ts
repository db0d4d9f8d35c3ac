import { purgeTargetsMax } from '#domain/cache';
import { purgeSelectorKinds } from '#events';
import { z } from 'zod';
import { asOf, eventId, lineOfText, pageCursor, purgeId, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

export const purgeView = z.object({
  id: z.string(),
  mode: z.enum(['hard', 'soft', 'dry-run']).describe('dry-run: edges only counted what it would have hit.'),
  urls: z.array(z.string()).describe('Of a large purge the first ones.'),
  selectors: z
    .array(
      z.object({
        kind: z.enum(purgeSelectorKinds),
        value: z.string(),
        host: z.string().optional(),
        zone: z.string().optional(),
        tenant: z.string().optional().describe('Whose objects alone are meant.'),
      }),
    )
    .describe('What it names besides URLs; of a large purge the first ones.'),
  total: z.number().describe('How many URLs and selectors it has.'),
  progress: z
    .object({
      edges: z.number().describe('Edges of this region that are up, and those that have answered.'),
      applied: z.number(),
      p50Ms: z.number().nullable().describe('From the request to the answer of an edge.'),
      p99Ms: z.number().nullable(),
      laggards: z.array(z.string()).describe('Edges that are up and have not answered.'),
    })
    .nullable()
    .describe('Null for a moment of the past.'),
  reason: z.string(),
  requestedAt: timestamp.nullable().describe('Null until the read model has it, and again, with nothing applied, once PURGE_KEEP_HOURS are over.'),
  requestedBy: z.string().nullable(),
  applied: z.array(
    z.object({
      edgeId: z.string(),
      mirroredFrom: z.string().nullable().describe('The region of REGION_PEERS whose edge it is; null for edges of this region.'),
      objects: z.number(),
      appliedAt: timestamp.nullable(),
      delayMs: z.number(),
    }),
  ),
});

/** Up to as many of each kind as all together may be. */
function many<Item extends z.ZodType>(item: Item): z.ZodDefault<z.ZodArray<Item>> {
  return z.array(item).max(purgeTargetsMax).default([]);
}

export const purgeCache = operation({
  id: 'purgeCache',
  tag: 'CDN',
  method: 'POST',
  path: '/api/v1/cdn/cache/purge',
  summary: 'Make every edge forget URLs, prefixes, tags, patterns, hosts, zones or everything',
  scopes: ['operate'],
  tenancy: 'own',
  context: 'cache',
  status: 202,
  headers: { 'Idempotency-Key': 'A repeated request with the same key is the same purge.' },
  body: z.strictObject({
    urls: many(lineOfText.min(1).max(4096)).describe('Absolute URLs, or absolute paths, which stand for every host.'),
    prefixes: many(lineOfText.min(1).max(4096)).describe('Whatever begins so: whole URLs, or paths on every host. Without a query.'),
    tags: many(lineOfText.min(1).max(256)).describe('What the origin tagged so by Cache-Tag, Surrogate-Key or xkey.'),
    patterns: many(z.strictObject({ pattern: lineOfText.min(1).max(1024), host: lineOfText.min(1).max(256).optional(), zone: eventId.optional() })).describe(
      'Regular expressions in the syntax of RE2, found anywhere in path and query, of everything or of one host or zone, by its name or id.',
    ),
    hosts: many(lineOfText.min(1).max(256)),
    zones: many(eventId).describe('Names or ids of zones.'),
    all: z.boolean().default(false).describe('Everything that the caller may purge.'),
    mode: z
      .enum(['hard', 'soft'])
      .default('hard')
      .describe('soft: what is older is stale from now on: served only where the origin allows stale responses, and revalidated.'),
    dryRun: z.boolean().default(false).describe('Only count: each edge answers with what it would forget, to be seen where the purge is shown.'),
    reason: lineOfText.max(1024).default(''),
  }),
  answer: z.object({ purgeId: z.string() }),
});

export const showPurge = operation({
  id: 'showPurge',
  tag: 'CDN',
  method: 'GET',
  path: '/api/v1/cdn/purges/:id',
  summary: 'Show which edges have applied a purge',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'cache',
  status: 200,
  params: z.strictObject({ id: purgeId }),
  query: z.strictObject({ asOf }),
  answer: purgeView,
});

export const listPurges = operation({
  id: 'listPurges',
  tag: 'CDN',
  method: 'GET',
  path: '/api/v1/cdn/purges',
  summary: 'List purges and which edges have applied them, the newest first',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'cache',
  status: 200,
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20), cursor: pageCursor, asOf }),
  answer: z.object({ items: z.array(purgeView), nextCursor: z.string().nullable() }),
});
