import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, count, id, millis, withoutNul } from './fields.ts';

const registeredFirst = { edgeId: 'edge-1', url: 'http://127.0.0.1:8081', region: 'local', memoryBytesMax: 268435456 };
const reportedFirst = {
  edgeId: 'edge-1',
  incarnation: 1790000000000,
  requests: 100,
  hits: 95,
  misses: 5,
  collapsed: 0,
  originFetches: 5,
  originErrors: 0,
  bytesServed: 1000000,
  bytesFromOrigin: 50000,
  objects: 5,
  memoryBytes: 50000,
};

/** An edge of which no more is known than that. */
export function plainEdge<First extends { readonly edgeId: string }>(first: First): First & PlainCapabilities {
  return { ...first, node: first.edgeId, ...noCapabilities };
}

const noCapabilities = {
  urls: [] as string[],
  addresses: [] as string[],
  location: null,
  protocols: [] as string[],
  diskBytesMax: 0,
  processes: 1,
  bitsPerSecondMax: null,
  connectionsMax: null,
  programVersion: null,
};

type PlainCapabilities = typeof noCapabilities & { readonly node: string };

/** Why edges fetch what nobody has asked for yet: manifests, parts of what is live, players’ own word, learned models. */
export const prefetchSources = ['manifest', 'parts', 'cmcd', 'model'] as const;

interface PrefetchReport {
  source: (typeof prefetchSources)[number];
  fetched: number;
  used: number;
  wasted: number;
  bytes: number;
}

const noPrefetch = { prefetch: [] as PrefetchReport[] };

/** What a report says about load where nothing was measured. */
export const noLoad = {
  ...{ connections: null, activeRequests: 0, bitsPerSecond: 0, cpu: null, diskBytes: 0, behindMs: 0, draining: false, sharedTier: null },
  ...noPrefetch,
};

export const edgeRegistered = defineEvent({
  type: 'edge.registered',
  version: 2,
  context: 'edge',
  meaning: 'An edge made itself known with what it can do, or was announced by an operator.',
  schema: z.object({
    edgeId: id,
    /** Where other edges and steering reach it. */
    url: z.url().max(512),
    region: id,
    /** Bytes of memory that the cache may use. */
    memoryBytesMax: bytes,
    /** The edge of which this is a process; its own name where there are no others. */
    node: id,
    /** Where clients reach it, the best first; empty for `url` alone. */
    urls: z.array(z.url().max(512)).max(8),
    /** IPv4 and IPv6 addresses that DNS may answer with. */
    addresses: z.array(z.union([z.ipv4(), z.ipv6()])).max(16),
    location: z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) }).nullable(),
    protocols: z.array(z.string().regex(/^[a-z0-9/.-]{1,16}$/)).max(8),
    diskBytesMax: bytes,
    /** How many processes serve its ports. */
    processes: z.number().int().min(1).max(1024),
    /** What it can take, as its operator says; null for nobody knows. */
    bitsPerSecondMax: z.number().int().positive().nullable(),
    connectionsMax: z.number().int().positive().nullable(),
    /** Of this program; null for one that does not say. */
    programVersion: z.string().max(64).regex(withoutNul).nullable(),
  }),
  key: (data) => data.edgeId,
  upcasters: [(data) => plainEdge(data as typeof registeredFirst)],
  samples: [
    registeredFirst,
    {
      ...registeredFirst,
      node: 'edge-1',
      urls: ['https://edge-1.example.net:8443', 'http://edge-1.example.net:8081'],
      addresses: ['192.0.2.10', '2001:db8::10'],
      location: { latitude: 52.37, longitude: 4.9 },
      protocols: ['http/1.1', 'h2', 'h3'],
      diskBytesMax: 10737418240,
      processes: 4,
      bitsPerSecondMax: 10000000000,
      connectionsMax: 100000,
      programVersion: '1.4.0',
    },
  ],
});

export const edgeReported = defineEvent({
  type: 'edge.reported',
  version: 4,
  context: 'edge',
  meaning: 'An edge reported its counters since it started, which only grow within one incarnation, and how loaded it is.',
  schema: z.object({
    edgeId: id,
    /** When this process started, ms since the Unix epoch; names the origin of the grow-only counters. */
    incarnation: millis,
    requests: count,
    hits: count,
    misses: count,
    /** Requests that waited for a fill that another request had begun. */
    collapsed: count,
    originFetches: count,
    originErrors: count,
    bytesServed: bytes,
    bytesFromOrigin: bytes,
    /** Gauges at the time of the report. */
    objects: count,
    memoryBytes: bytes,
    /** Open connections; null where neither runtime nor system shows them. */
    connections: count.nullable(),
    /** Answers on their way. */
    activeRequests: count,
    /** To clients, since the report before. */
    bitsPerSecond: count,
    /** Processor seconds a second, since the report before; null where nobody measured. */
    cpu: z.number().min(0).max(1024).nullable(),
    diskBytes: bytes,
    /** How far behind it may be with purges; 0 when it is up to date. */
    behindMs: millis,
    /** It takes nobody new: an operator drains or removed it, or its key is none any more. */
    draining: z.boolean(),
    /** How the tier is that edges share: in use; left alone because it is slow, silent or refuses; full, and read. Null without one. */
    sharedTier: z.enum(['on', 'away', 'full']).nullable(),
    /** Objects that were fetched before anybody asked for them, by why; those that were asked for since, and those that were not in time. They only grow. */
    prefetch: z.array(z.object({ source: z.enum(prefetchSources), fetched: count, used: count, wasted: count, bytes })).max(prefetchSources.length),
  }),
  key: (data) => data.edgeId,
  subject: (data) => `${data.edgeId}/${data.incarnation}`,
  upcasters: [
    (data) => ({ ...(data as object), ...noLoad }),
    (data) => ({ ...(data as object), sharedTier: null }),
    (data) => ({ ...(data as object), ...noPrefetch }),
  ],
  samples: [
    reportedFirst,
    { ...reportedFirst, connections: 12, activeRequests: 3, bitsPerSecond: 8000000, cpu: 0.35, diskBytes: 1048576, behindMs: 0, draining: false },
    { ...reportedFirst, connections: null, activeRequests: 0, bitsPerSecond: 0, cpu: null, diskBytes: 0, behindMs: 0, draining: false, sharedTier: 'away' },
    { ...reportedFirst, ...noLoad, prefetch: [{ source: 'model' as const, fetched: 40, used: 30, wasted: 6, bytes: 327680 }] },
  ],
});

/** Streams that one report names; the others come in the next. */
export const audienceStreamsMax = 500;

export const edgeAudienceReported = defineEvent({
  type: 'edge.audience-reported',
  version: 1,
  context: 'edge',
  meaning: 'An edge reported how many viewers of each stream came to it and left it since it started; both only grow.',
  schema: z.object({
    edgeId: id,
    incarnation: millis,
    streams: z.array(z.object({ streamId: id, joined: count, left: count })).max(audienceStreamsMax),
  }),
  key: (data) => data.edgeId,
  subject: (data) => `${data.edgeId}/${data.incarnation}/audience`,
  samples: [{ edgeId: 'edge-1', incarnation: 1790000000000, streams: [{ streamId: 'st-7f3k2m9q', joined: 25, left: 4 }] }],
});

export type EdgeEventDefinition = typeof edgeRegistered | typeof edgeReported | typeof edgeAudienceReported;
