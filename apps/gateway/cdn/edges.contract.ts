import { z } from 'zod';
import { eventId, lineOfText, reasonOf, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const location = z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) });
const webUrl = z.url({ protocol: /^https?$/ }).max(512);

const edgeHealth = z.object({
  id: z.string(),
  url: z.string().nullable(),
  region: z.string().nullable(),
  mirroredFrom: z
    .string()
    .nullable()
    .describe('The region of REGION_PEERS whose edge it is: a purge reaches it by that region’s mirror, and is not waited for. Null for edges of this region.'),
  status: z
    .enum(['up', 'draining', 'silent', 'announced', 'removed', 'refused'])
    .describe(
      'up: reported lately; draining: takes nobody new; silent: used to report; announced: never reported; removed: by an operator; refused: its key is none any more, or it has none where each must.',
    ),
  reason: z.string().nullable().describe('Why it is drained, removed or refused.'),
  keyId: z.string().nullable().describe('The key by which it was admitted.'),
  registeredAt: timestamp.nullable(),
  lastReportAt: timestamp.nullable(),
  startedAt: timestamp.nullable(),
  hitRatio: z.number().nullable().describe('0 to 1, over all its processes; null before the first request.'),
  originOffload: z.number().nullable(),
  requests: z.number(),
  hits: z.number(),
  collapsed: z.number(),
  originFetches: z.number(),
  originErrors: z.number(),
  bytesServed: z.number(),
  bytesFromOrigin: z.number(),
  prefetch: z
    .object({
      fetched: z.number().describe('Objects, before anybody asked for them.'),
      used: z.number().describe('Of them, those that were asked for since.'),
      wasted: z.number().describe('Of them, those that were not in time, or went without.'),
      bytes: z.number(),
      foreseen: z.object({ fetched: z.number(), used: z.number(), wasted: z.number() }).describe('Of all that, what a learned model foresaw.'),
    })
    .describe('Over all its processes.'),
  objects: z.number().describe('In its cache at the last report.'),
  memoryBytes: z.number(),
  memoryBytesMax: z.number().nullable(),
  load: z
    .object({
      connections: z.number().nullable(),
      activeRequests: z.number(),
      bitsPerSecond: z.number(),
      cpu: z.number().nullable().describe('Processor seconds a second.'),
      diskBytes: z.number(),
      behindMs: z.number().describe('How far behind it may be with purges.'),
      sharedTier: z.enum(['on', 'away', 'full']).nullable().describe('How the tier is that it shares with other edges; null without one.'),
    })
    .nullable()
    .describe('At its last report.'),
  node: z.string().describe('The edge of which this is a process.'),
  urls: z.array(z.string()),
  addresses: z.array(z.string()),
  location: location.nullable(),
  protocols: z.array(z.string()),
  diskBytesMax: z.number(),
  processes: z.number(),
  bitsPerSecondMax: z.number().nullable(),
  connectionsMax: z.number().nullable(),
  programVersion: z.string().nullable(),
});

const common = { tag: 'CDN', tenancy: 'platform', context: 'edge', status: 200 } as const;
const shown = { ...common, method: 'GET', scopes: ['view', 'operate'] } as const;

export const cdnHealth = operation({
  ...shown,
  id: 'cdnHealth',
  path: '/api/v1/cdn/health',
  summary: 'Show every edge: last report, hit ratio, origin errors',
  answer: z.object({
    status: z.enum(['up', 'degraded', 'down', 'empty']),
    hitRatio: z.number().nullable(),
    originOffload: z.number().nullable(),
    edges: z.array(edgeHealth),
  }),
});

export const listEdges = operation({
  ...shown,
  id: 'listEdges',
  path: '/api/v1/cdn/edges',
  summary: 'List edges: what they are, can do, and how they are',
  answer: z.object({ items: z.array(edgeHealth) }),
});

const params = z.strictObject({ id: eventId });

export const showEdge = operation({ ...shown, id: 'showEdge', path: '/api/v1/cdn/edges/:id', summary: 'Show an edge', params, answer: edgeHealth });

export const registerEdge = operation({
  ...common,
  id: 'registerEdge',
  method: 'POST',
  path: '/api/v1/cdn/edge/register',
  summary: 'Announce an edge, or admit it: a key with the scope edge is bound to the first edge that shows it',
  scopes: ['edge'],
  body: z.strictObject({
    id: eventId,
    url: webUrl,
    region: eventId.default('local'),
    memoryBytesMax: z.number().int().nonnegative().default(0),
    node: eventId.optional().describe('The edge of which this is a process; itself when left out.'),
    urls: z.array(webUrl).max(8).default([]).describe('Where clients reach it, the best first; `url` when left out.'),
    addresses: z
      .array(z.union([z.ipv4(), z.ipv6()]))
      .max(16)
      .default([])
      .describe('What DNS may answer with.'),
    location: location.nullable().default(null),
    protocols: z
      .array(z.string().regex(/^[a-z0-9/.-]{1,16}$/))
      .max(8)
      .default([]),
    diskBytesMax: z.number().int().nonnegative().default(0),
    processes: z.number().int().min(1).max(1024).default(1),
    bitsPerSecondMax: z.number().int().positive().nullable().default(null),
    connectionsMax: z.number().int().positive().nullable().default(null),
    programVersion: lineOfText.max(64).nullable().default(null),
    anew: z.boolean().default(false).describe('The edge has just started: told again even when nothing changed.'),
  }),
  answer: z.object({
    id: z.string(),
    url: z.string(),
    region: z.string(),
    standing: z.enum(['serving', 'draining', 'removed']),
    keyId: z.string().nullable().describe('The key that it is bound to now.'),
  }),
});

export const listEdgePeers = operation({
  ...common,
  id: 'listEdgePeers',
  method: 'GET',
  path: '/api/v1/cdn/edge/peers',
  summary: 'Tell an edge which others are up, those of its region first',
  scopes: ['edge'],
  query: z.strictObject({
    id: eventId.describe('Of the edge that asks: it and the other processes of its node are left out.'),
    region: eventId.optional().describe('Whose edges are first; that of the edge as it is known when left out.'),
  }),
  answer: z.object({ items: z.array(z.object({ id: z.string(), url: z.string().describe('Where other edges reach it.'), region: z.string().nullable() })) }),
});

const deciding = {
  ...common,
  method: 'POST',
  scopes: ['operate'],
  params,
  body: z.strictObject({ reason: reasonOf(1024).describe('Why, for the record.') }),
  answer: z.object({ id: z.string(), standing: z.enum(['serving', 'draining', 'removed']) }),
} as const;

export const drainEdge = operation({
  ...deciding,
  id: 'drainEdge',
  path: '/api/v1/cdn/edges/:id/drain',
  summary: 'Send no client to an edge any more; it serves those that come',
});

export const resumeEdge = operation({
  ...deciding,
  id: 'resumeEdge',
  path: '/api/v1/cdn/edges/:id/resume',
  summary: 'Make a drained or removed edge one of ours again',
});

export const removeEdge = operation({
  ...deciding,
  id: 'removeEdge',
  path: '/api/v1/cdn/edges/:id/remove',
  summary: 'Take an edge away: nobody is sent to it, and what it says of itself does not count',
});
