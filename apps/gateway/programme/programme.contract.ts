import { spliceProblem } from '#core/scte35';
import { clipMsMax } from '#domain/stream';
import { z } from 'zod';
import { instant } from '../events/events.contract.ts';
import { eventId, lineOfText, streamId, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const params = z.strictObject({ id: streamId });
const clipId = z.string().regex(/^cl-[a-z2-7]{8,26}$/, 'Expected a clip id such as cl-7f3k2m9q.');

const clip = z.object({
  id: z.string(),
  streamId: z.string(),
  name: z.string(),
  status: z.enum(['requested', 'finished', 'failed']),
  reason: z.string().nullable().describe('Why there is no file.'),
  asked: z.object({ from: timestamp, until: timestamp }),
  shows: z
    .object({ from: timestamp, until: timestamp })
    .nullable()
    .describe('What it really has: from the key frame at or before what was asked for, to the end of the segment with the last of it.'),
  durationMs: z.number().nullable(),
  bytes: z.number().nullable(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  mp4Url: z.string().nullable(),
  posterUrl: z.string().nullable(),
  hlsUrl: z.string().nullable().describe('The same segments as a playlist; it plays at once, for nothing is copied.'),
  requestedAt: timestamp.nullable(),
  finishedAt: timestamp.nullable(),
});

export const createClip = operation({
  id: 'createClip',
  tag: 'Streams',
  method: 'POST',
  path: '/api/v1/stream/:id/clip',
  summary: 'Make a piece of a live or ended stream into a file of its own; nothing is encoded anew',
  scopes: ['publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 202,
  headers: { 'Idempotency-Key': 'A repeated request with the same key makes no second clip.' },
  params,
  body: z.strictObject({
    name: lineOfText.min(1).max(200),
    from: instant.describe('RFC 3339, or ms since the Unix epoch.'),
    until: instant.describe(`At most ${clipMsMax / 60_000} minutes later, and not in the future.`),
  }),
  answer: clip,
});

export const listClips = operation({
  id: 'listClips',
  tag: 'Streams',
  method: 'GET',
  path: '/api/v1/streams/:id/clips',
  summary: 'List the clips of a stream, newest first',
  scopes: ['view', 'publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 200,
  params,
  answer: z.object({ items: z.array(clip) }),
});

export const showClip = operation({
  id: 'showClip',
  tag: 'Streams',
  method: 'GET',
  path: '/api/v1/streams/:id/clips/:clipId',
  summary: 'Show one clip: where it is, and what it really shows',
  scopes: ['view', 'publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 200,
  params: z.strictObject({ id: streamId, clipId }),
  answer: clip,
});

const section = z
  .string()
  .regex(/^0x([0-9A-Fa-f]{2}){1,512}$/, 'Expected the bytes of an SCTE 35 section in hexadecimal, such as 0xFC30….')
  .transform((text) => `0x${text.slice(2).toUpperCase()}`)
  .superRefine((hex, context) => {
    const message = spliceProblem(hex);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
const durationSeconds = z.number().min(0).max(86_400);

const marker = z.object({
  id: z.string(),
  class: z.string().nullable(),
  at: timestamp,
  durationSeconds: z.number().nullable(),
  plannedDurationSeconds: z.number().nullable(),
  endsOnNext: z.boolean(),
  scte35Cmd: z.string().nullable(),
  scte35Out: z.string().nullable(),
  scte35In: z.string().nullable(),
  attributes: z.record(z.string(), z.union([z.string(), z.number()])),
  origin: z.enum(['api', 'publisher']),
});

export const markStream = operation({
  id: 'markStream',
  tag: 'Streams',
  method: 'POST',
  path: '/api/v1/stream/:id/marker',
  summary: 'Give a stretch of a stream a meaning; players are told by EXT-X-DATERANGE',
  scopes: ['publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 201,
  headers: { 'Idempotency-Key': 'A repeated request with the same key makes no second marker.' },
  params,
  body: z.strictObject({
    id: eventId.optional().describe('To say more about it later under the same id: what is left out then stays as it was. Made up when left out.'),
    class: lineOfText
      .min(1)
      .max(128)
      .regex(/^[^"]*$/, 'Expected text without quotes.')
      .optional(),
    at: instant
      .optional()
      .describe('Where it begins: RFC 3339, or ms since the Unix epoch; now when left out of a new one. From a day before the stream began to a day ahead.'),
    durationSeconds: durationSeconds.optional(),
    plannedDurationSeconds: durationSeconds.optional(),
    endsOnNext: z.boolean().optional().describe('It ends where the next one of its class begins.'),
    scte35Cmd: section.optional(),
    scte35Out: section.optional().describe('Out of the programme, such as into a break.'),
    scte35In: section.optional().describe('Back into it.'),
    attributes: z
      .record(
        z.string().regex(/^[A-Z0-9-]{1,64}$/, 'Expected A-Z, 0-9 and "-".'),
        z.union([lineOfText.max(512).regex(/^[^"]*$/, 'Expected text without quotes.'), z.number()]),
      )
      .refine((all) => Object.keys(all).length <= 32, 'Expected at most 32 of them.')
      .default({})
      .describe('Of your own, without the `X-` that players see in front of them.'),
  }),
  answer: marker,
});

export const listMarkers = operation({
  id: 'listMarkers',
  tag: 'Streams',
  method: 'GET',
  path: '/api/v1/streams/:id/markers',
  summary: 'List the markers of a stream, the latest in its time first',
  scopes: ['view', 'publish', 'operate'],
  tenancy: 'own',
  context: 'stream',
  status: 200,
  params,
  answer: z.object({ items: z.array(marker) }),
});
