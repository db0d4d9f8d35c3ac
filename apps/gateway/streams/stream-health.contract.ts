import { z } from 'zod';
import { streamId, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const bitrate = z.number().describe('Bits per second.');

export const showStreamHealth = operation({
  id: 'showStreamHealth',
  tag: 'Streams',
  method: 'GET',
  path: '/api/v1/streams/:id/health',
  summary: 'At a glance: what a stream sends, what is wrong with it, and who watches',
  scopes: ['view', 'publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 200,
  params: z.strictObject({ id: streamId }),
  answer: z.object({
    id: z.string(),
    measured: z
      .object({
        at: timestamp,
        node: z.string(),
        windowMs: z.number(),
        isNow: z.boolean().describe('Of the session that is live; else of the last one.'),
        input: z.object({
          videoBitrate: bitrate,
          audioBitrate: bitrate,
          frameRate: z.number(),
          keyFrameIntervalMs: z.number().nullable(),
          keyFrameIntervalFrames: z.number().nullable(),
          reordersFrames: z.boolean(),
          soundAheadMs: z.number().nullable().describe('By how much sound comes before the picture.'),
        }),
        behindMs: z.number().describe('From the newest media that arrived to the newest that is stored.'),
        encoderSpeed: z.number().nullable().describe('As a multiple of real time.'),
        picture: z.object({ brightness: z.number(), change: z.number().nullable() }).nullable(),
        sound: z.object({ levelDb: z.number(), peakDb: z.number() }).nullable(),
      })
      .nullable()
      .describe('Measured every ten seconds while the stream is live.'),
    alerts: z.array(
      z.object({
        alert: z.string(),
        state: z.enum(['open', 'over']),
        detail: z.string().nullable(),
        since: timestamp.nullable(),
        lastedMs: z.number().nullable(),
        at: timestamp,
      }),
    ),
    viewers: z.number().describe('By the counters of all edges that still speak.'),
    viewersByEdge: z.record(z.string(), z.number()),
    thumbnailUrl: z.string().nullable().describe('The newest small pictures, side by side.'),
    thumbnail: z.object({ columns: z.number(), width: z.number(), height: z.number(), at: timestamp }).nullable(),
  }),
});
