import { audioTracksMax, defaultGraceMs, dvrWindowMsMax, dvrWindowMsMin, graceMsMax, rungsMax } from '#domain/stream';
import { z } from 'zod';
import { asOf, lineOfText, reasonOf, streamId, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';
import { audioBitrate, audioTrack, profileName, rung, segmentDurationSeconds } from './encoding-fields.ts';

const statuses = ['created', 'live', 'interrupted', 'stopped'] as const;

export const streamSummary = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(statuses),
  statusReason: z.string().nullable(),
  createdAt: timestamp.nullable(),
  startedAt: timestamp.nullable().describe('When a publisher first was live.'),
  stoppedAt: timestamp.nullable(),
  durationMs: z.number().nullable().describe('Length of what was recorded so far.'),
  playback: z.object({ hls: z.string(), dash: z.string() }),
  viewers: z.number().nullable().describe('Who watches now, by the counters of the edges; null of a moment in the past, and in a sandbox.'),
});

const rendition = z.object({
  name: z.string(),
  kind: z.enum(['video', 'audio']),
  codecs: z.string(),
  bandwidth: z.number(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  frameRate: z.number().nullable(),
  channels: z.number().nullable(),
  language: z.string().nullable().describe('Of a sound, where anybody said: BCP 47.'),
  label: z.string().nullable().describe('What listeners choose a sound by.'),
  segments: z.array(
    z.object({
      mediaSequence: z.number(),
      cid: z.string(),
      sizeBytes: z.number(),
      durationMs: z.number(),
      discontinuity: z.boolean(),
      recordedAt: timestamp.nullable(),
      producedAt: timestamp.nullable(),
    }),
  ),
});

export const streamDetail = streamSummary.extend({
  settings: z.object({
    ladder: z.array(rung),
    audioBitrate: z.number(),
    segmentDurationSeconds: z.number(),
    graceSeconds: z.number(),
    dvrWindowSeconds: z.number(),
    lowLatency: z.boolean(),
    unlisted: z.boolean(),
    audioTracks: z.array(audioTrack),
  }),
  publishers: z
    .array(
      z.object({
        endpoint: z.enum(['primary', 'backup']),
        sessionId: z.string(),
        node: z.string().describe('The ingest that holds it.'),
        since: timestamp.nullable(),
        active: z.boolean().describe('Viewers see its media; the other one is kept warm.'),
      }),
    )
    .describe('Who publishes now, at most one per endpoint.'),
  failover: z.object({
    preferred: z.enum(['primary', 'backup']).describe('Gone back to when it has been well for a while.'),
    lastReason: z.string().nullable().describe('Why the packager went over to another publisher last.'),
    lastAt: timestamp.nullable(),
  }),
  encoding: z
    .object({
      status: z.string(),
      reason: z.string().nullable(),
      encoder: z.string().nullable(),
      node: z.string(),
      source: z.record(z.string(), z.unknown()).nullable(),
    })
    .nullable(),
  renditions: z.array(rendition),
  recording: z
    .object({
      status: z.enum(['finished', 'failed']),
      reason: z.string().nullable().describe('Why there is no file.'),
      mp4Url: z.string().nullable(),
      posterUrl: z.string().nullable(),
      durationMs: z.number().nullable(),
      bytes: z.number().nullable(),
      width: z.number().nullable(),
      height: z.number().nullable(),
      finishedAt: timestamp.nullable(),
    })
    .nullable()
    .describe('The one file that a stopped stream is made into; null until it is there.'),
  latency: z
    .object({ segmentMsMedian: z.number(), segmentMsMax: z.number(), segments: z.number() })
    .nullable()
    .describe('From the moment a segment was complete at the ingest to its announcement on the log, over the last segments.'),
});

export const startStream = operation({
  id: 'startStream',
  tag: 'Streams',
  method: 'POST',
  path: '/api/v1/stream/start',
  summary: 'Create a stream that a publisher can start; the stream key is shown this once',
  scopes: ['publish'],
  tenancy: 'own',
  context: 'stream',
  status: 201,
  headers: { 'Idempotency-Key': 'A repeated request with the same key makes no second stream and gets the same answer.' },
  body: z.strictObject({
    name: lineOfText.min(1).max(200),
    ladder: z
      .array(rung)
      .min(1)
      .max(rungsMax)
      .optional()
      .describe('Left out: that of the profile; without one 720p, 480p and 240p, below the source itself for tenants of `PASS_THROUGH_TENANTS`.'),
    profile: profileName
      .optional()
      .describe("Encoding profile whose settings hold where nothing else is said; the tenant's profile `default`, if it has one, when left out."),
    audioBitrate: audioBitrate.optional(),
    audioTracks: z
      .array(audioTrack)
      .max(audioTracksMax)
      .optional()
      .describe("What the publisher's tracks of sound are (Enhanced RTMP multitrack): goes before what the publisher says in its metadata."),
    segmentDurationSeconds: segmentDurationSeconds.optional(),
    graceSeconds: z
      .number()
      .int()
      .min(0)
      .max(graceMsMax / 1000)
      .default(defaultGraceMs / 1000)
      .describe('How long the stream waits for a publisher that went away.'),
    dvrWindowSeconds: z
      .number()
      .int()
      .min(dvrWindowMsMin / 1000)
      .max(dvrWindowMsMax / 1000)
      .optional()
      .describe("How far back viewers can go while the stream is live; the platform's `DVR_WINDOW_SECONDS` when left out."),
    lowLatency: z.boolean().default(true).describe('LL-HLS: parts and blocking reloads; without it, whole segments alone.'),
    unlisted: z.boolean().default(false).describe('For those who know its id: in no list of streams, and not made into a recording.'),
  }),
  answer: streamSummary.extend({
    streamKey: z.string(),
    ingest: z
      .object({ primary: z.string(), backup: z.string(), securePrimary: z.string().nullable(), secureBackup: z.string().nullable() })
      .describe('Where a publisher sends; the secure ones are null where the ingest has no certificate.'),
  }),
});

export const issueStreamKey = operation({
  id: 'issueStreamKey',
  tag: 'Streams',
  method: 'POST',
  path: '/api/v1/stream/key',
  summary: 'Give a stream another key, shown this once, and say how long the ones before work',
  scopes: ['publish'],
  tenancy: 'own',
  context: 'stream',
  status: 201,
  headers: { 'Idempotency-Key': 'A repeated request with the same key issues no second key and gets the same answer.' },
  body: z.strictObject({
    id: streamId,
    expiresInSeconds: z.number().int().min(1).max(31_536_000).optional().describe('Left out: it does not expire.'),
    singleUse: z.boolean().default(false).describe('Lets one publisher in, once; a publisher that comes back needs another.'),
    previousForSeconds: z
      .number()
      .int()
      .min(0)
      .max(31_536_000)
      .optional()
      .describe('How long the keys before go on; left out: as long as they would have. A live publisher stays.'),
  }),
  answer: z.object({ id: z.string(), streamKey: z.string(), expiresAt: timestamp.nullable(), singleUse: z.boolean() }),
});

export const switchStream = operation({
  id: 'switchStream',
  tag: 'Streams',
  method: 'POST',
  path: '/api/v1/stream/switch',
  summary: 'Go over to the other publisher of a stream, and prefer it from now on',
  scopes: ['publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 202,
  body: z.strictObject({ id: streamId, to: z.enum(['primary', 'backup']), reason: reasonOf(500).describe('Kept with the event.') }),
  answer: z.object({ id: z.string(), preferred: z.enum(['primary', 'backup']) }),
});

export const stopStream = operation({
  id: 'stopStream',
  tag: 'Streams',
  method: 'POST',
  path: '/api/v1/stream/stop',
  summary: 'End a stream for good; its playlist becomes a recording',
  scopes: ['publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 200,
  body: z.strictObject({ id: streamId, detail: z.string().max(1024).default('') }),
  answer: z.object({ id: z.string(), status: z.literal('stopped') }),
});

export const listStreams = operation({
  id: 'listStreams',
  tag: 'Streams',
  method: 'GET',
  path: '/api/v1/streams',
  summary: 'List streams, newest first',
  scopes: ['view', 'publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 200,
  query: z.strictObject({
    status: z.enum(statuses).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: z.string().max(256).optional().describe('`nextCursor` of the page before.'),
    asOf,
  }),
  answer: z.object({ items: z.array(streamSummary), nextCursor: z.string().nullable() }),
});

export const showStream = operation({
  id: 'showStream',
  tag: 'Streams',
  method: 'GET',
  path: '/api/v1/streams/:id',
  summary: 'Show one stream: renditions, last segments, latency',
  scopes: ['view', 'publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 200,
  params: z.strictObject({ id: streamId }),
  query: z.strictObject({ asOf }),
  answer: streamDetail,
});
