import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, count, id, millis } from './fields.ts';

export const edgeRegistered = defineEvent({
  type: 'edge.registered',
  version: 1,
  context: 'edge',
  meaning: 'An edge made itself known, or was announced by an operator.',
  schema: z.object({
    edgeId: id,
    url: z.url().max(512),
    region: id,
    /** Bytes of memory that the cache may use. */
    memoryBytesMax: bytes,
  }),
  key: (data) => data.edgeId,
  samples: [{ edgeId: 'edge-1', url: 'http://127.0.0.1:8081', region: 'local', memoryBytesMax: 268435456 }],
});

export const edgeReported = defineEvent({
  type: 'edge.reported',
  version: 1,
  context: 'edge',
  meaning: 'An edge reported its counters since it started; they only grow within one incarnation.',
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
  }),
  key: (data) => data.edgeId,
  subject: (data) => `${data.edgeId}/${data.incarnation}`,
  samples: [
    {
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
    },
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
