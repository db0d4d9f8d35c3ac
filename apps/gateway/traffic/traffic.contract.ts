import { z } from 'zod';
import { instant } from '../events/events.contract.ts';
import { eventId, tenantFilter, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const common = { tag: 'CDN', method: 'GET', scopes: ['view', 'operate'], tenancy: 'own', context: 'traffic', status: 200 } as const;

/** A zone's own name, its id, or the platform's media, which has neither. */
export const platformZoneName = 'platform';
export const groupings = ['zone', 'edge', 'region', 'status'] as const;

const scope = {
  from: instant.optional().describe('RFC 3339, or ms since the Unix epoch; an hour ago when left out. The minute or hour that it is in counts whole.'),
  until: instant.optional().describe('Now when left out.'),
  zone: eventId.optional().describe(`Name or id of a zone; \`${platformZoneName}\` for the platform’s own media.`),
  edge: eventId.optional(),
  region: eventId.optional().describe('Where the edges are.'),
  tenant: tenantFilter,
};

const countsOf = (names: readonly string[]) => z.object(Object.fromEntries(names.map((name) => [name, z.number()])));

const figures = z.object({
  requests: z.number(),
  bytes: z.number().nullable().describe('Of bodies, as handed to connections. Null for a class of status, as all that is not counted by it.'),
  bytesCached: z.number().nullable().describe('Of them, those that the origin did not have to send.'),
  hitRatio: z.number().nullable().describe('0 to 1: requests that needed no fetch of their own. Null without requests.'),
  byteHitRatio: z.number().nullable(),
  statuses: countsOf(['1xx', '2xx', '3xx', '4xx', '5xx']),
  cache: countsOf(['hit', 'stale', 'revalidated', 'miss', 'pass', 'error'])
    .nullable()
    .describe('How answers came about; error: the edge had to answer by itself.'),
  latencyMs: z
    .object({ p50: z.number(), p95: z.number(), p99: z.number() })
    .nullable()
    .describe('From a request to the head of its answer; what is answered at once counts as nothing.'),
});

const group = z.string().describe('Id of the zone, edge or region, or the class of status.');

export const showTraffic = operation({
  ...common,
  id: 'showTraffic',
  path: '/api/v1/cdn/analytics/traffic',
  summary: 'Requests, bytes, hit ratio, statuses and latency over time, by zone, edge, region or status',
  query: z.strictObject({
    ...scope,
    step: z.coerce
      .number()
      .int()
      .min(60)
      .max(86_400)
      .refine((seconds) => seconds % (seconds < 3600 ? 60 : 3600) === 0, 'Expected whole minutes, or whole hours.')
      .optional()
      .describe(
        'Seconds of a point: whole minutes, or whole hours, where hours are added up, which are kept for longer, and which edges tell once a minute, minutes every ten seconds: the newest may be missing. Chosen by the time asked for when left out.',
      ),
    groupBy: z.enum(groupings).optional().describe('Everything together when left out.'),
  }),
  answer: z.object({
    from: timestamp,
    until: timestamp,
    stepSeconds: z.number(),
    totals: figures,
    groups: z.array(z.object({ group, name: z.string().describe('As people call it.'), figures })).describe('The busiest first; empty without groupBy.'),
    points: z
      .array(z.object({ at: timestamp.describe('When the step begins.'), group: group.nullable(), figures }))
      .describe('Steps without a request are left out.'),
    isPartial: z.boolean().describe('There was more than is shown: 10,000 points.'),
  }),
});

export const showPopularObjects = operation({
  ...common,
  id: 'showPopularObjects',
  path: '/api/v1/cdn/analytics/objects',
  summary: 'What was asked for most, by zone',
  query: z.strictObject({ ...scope, limit: z.coerce.number().int().min(1).max(1000).default(20) }),
  answer: z.object({
    from: timestamp,
    until: timestamp,
    items: z.array(
      z.object({
        zone: z.string().nullable().describe('Id; null for the platform’s own media.'),
        zoneName: z.string(),
        host: z.string(),
        path: z.string(),
        requests: z.number().describe('At least so many; estimated from a sample on edges that have many requests.'),
        bytes: z.number(),
      }),
    ),
  }),
});
