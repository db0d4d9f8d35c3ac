import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, count, id, millis, withoutNul } from './fields.ts';

/** How an answer came about: from the cache as it lay there, stale, after the origin had confirmed it, from the origin, past the cache, or not at all. */
export const cacheOutcomes = ['hit', 'stale', 'revalidated', 'miss', 'pass', 'error'] as const;
export type CacheOutcomeName = (typeof cacheOutcomes)[number];

/** Programs that ask, as coarsely as serves a count: no fingerprint. */
export const agentClasses = ['apple', 'android', 'chromium', 'firefox', 'tv', 'bot', 'tool', 'other'] as const;
export type AgentClass = (typeof agentClasses)[number];

/** Upper ends of the buckets of a latency histogram, ms, each inclusive; what took longer is in one more. */
export const latencyBoundsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000] as const;

export const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
export type StatusClass = (typeof statusClasses)[number];

/** Of one event; an edge that has more says several. */
export const trafficLimits = { requestsMax: 500, zonesMax: 200, objectsMax: 200, pathLengthMax: 1024, hostLengthMax: 253 } as const;

const edgeId = 'edge-1';
const incarnation = 1790000000000;
const host = z.string().max(trafficLimits.hostLengthMax).regex(withoutNul);
const path = z.string().max(trafficLimits.pathLengthMax).regex(withoutNul);
/** Null for the platform's own media. */
const zone = id.nullable();

const common = {
  edgeId: id,
  /** Where the edge is. */
  region: id,
  /** When this process started, ms since the Unix epoch; names the origin of the counters. */
  incarnation: millis,
};

const request = z.object({
  /** When it came, ms since the Unix epoch. */
  at: millis,
  zone,
  host,
  method: z.string().max(32).regex(withoutNul),
  /** With the query, without signatures, tokens and the like; cut where it is too long. */
  path,
  status: z.number().int().min(100).max(999),
  /** Of the body, as handed to the connection. */
  bytes,
  /** Until the last of them. */
  durationMs: z.number().nonnegative(),
  cache: z.enum(cacheOutcomes),
  /** False when it was broken off: by the client, or because the rest never came. */
  complete: z.boolean(),
  /** Without parameters; empty for none. */
  contentType: z.string().max(128).regex(withoutNul),
  /** Tells the clients of one process of an edge apart for a day, and nobody who they are: a hash with a salt that is forgotten. */
  client: z.string().max(32).regex(withoutNul),
  agent: z.enum(agentClasses),
});

export const requestsServed = defineEvent({
  type: 'requests.served',
  version: 1,
  context: 'traffic',
  meaning: 'An edge answered these requests of one tenant: its access log, whole or a sample.',
  schema: z.object({
    ...common,
    /** The share of its requests that the edge picked for these lines: 1 for each. */
    sampleRate: z.number().positive().max(1),
    /** Lines picked since the event before that were lost, because the log was away or slow. */
    dropped: count,
    requests: z.array(request).max(trafficLimits.requestsMax),
  }),
  key: (data) => data.edgeId,
  subject: (data) => `${data.edgeId}/${data.incarnation}/requests`,
  samples: [
    {
      edgeId,
      region: 'local',
      incarnation,
      sampleRate: 0.25,
      dropped: 0,
      requests: [
        {
          at: 1790000001000,
          zone: 'zn-7f3k2m9qabcdefgh',
          host: 'www.example.org',
          method: 'GET',
          path: '/static/a.css?v=3',
          status: 200,
          bytes: 1024,
          durationMs: 0.4,
          cache: 'hit' as const,
          complete: true,
          contentType: 'text/css',
          client: 'q8Zk1nYc0fM',
          agent: 'firefox' as const,
        },
      ],
    },
  ],
});

const byName = <Name extends string>(names: readonly Name[]): z.ZodObject<Record<Name, typeof count>> =>
  z.object(Object.fromEntries(names.map((name) => [name, count])) as Record<Name, typeof count>);

/** Of one zone since the period began; they only grow within it. */
const counters = z.object({
  zone,
  requests: count,
  /** Of bodies, and of those that came from the cache. */
  bytes,
  bytesCached: bytes,
  statuses: byName(statusClasses),
  cache: byName(cacheOutcomes),
  /** Answers by the time until their head was ready: `latencyBoundsMs` and one more. */
  latency: z.array(count).max(latencyBoundsMs.length + 1),
});

export type ZoneTraffic = z.infer<typeof counters>;

export const trafficReported = defineEvent({
  type: 'traffic.reported',
  version: 1,
  context: 'traffic',
  meaning:
    'An edge reported what it has answered of one tenant within a minute or an hour so far; the counters only grow, so that the last word holds every other.',
  schema: z.object({
    ...common,
    /** When the period began, ms since the Unix epoch. */
    startMs: millis,
    /** Of both lengths an edge reports: the hours stay when the minutes are forgotten. */
    period: z.enum(['minute', 'hour']),
    zones: z.array(counters).max(trafficLimits.zonesMax),
  }),
  key: (data) => data.edgeId,
  subject: (data) => `${data.edgeId}/${data.incarnation}/traffic`,
  samples: [
    {
      edgeId,
      region: 'local',
      incarnation,
      startMs: 1789999980000,
      period: 'minute' as const,
      zones: [
        {
          zone: null,
          requests: 3,
          bytes: 3072,
          bytesCached: 2048,
          statuses: { '1xx': 0, '2xx': 3, '3xx': 0, '4xx': 0, '5xx': 0 },
          cache: { hit: 2, stale: 0, revalidated: 0, miss: 1, pass: 0, error: 0 },
          latency: [2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        },
      ],
    },
  ],
});

export const popularityReported = defineEvent({
  type: 'popularity.reported',
  version: 1,
  context: 'traffic',
  meaning: 'An edge reported what was asked for most in one zone within an hour so far; each count only grows, and is never more than the truth.',
  schema: z.object({
    ...common,
    zone,
    /** When the hour began, ms since the Unix epoch. */
    hourMs: millis,
    objects: z
      .array(
        z.object({
          host,
          path,
          /** Estimated from a sample where there was more to see than an edge looks at. */
          requests: count,
          bytes,
        }),
      )
      .max(trafficLimits.objectsMax),
  }),
  key: (data) => data.edgeId,
  subject: (data) => `${data.edgeId}/${data.incarnation}/popularity`,
  samples: [
    {
      edgeId,
      region: 'local',
      incarnation,
      zone: null,
      hourMs: 1789999200000,
      objects: [{ host: 'cdn.example.org', path: '/media/bafkreigh2akiscaildc.m4s', requests: 40, bytes: 40960 }],
    },
  ],
});

export type TrafficEventDefinition = typeof requestsServed | typeof trafficReported | typeof popularityReported;
