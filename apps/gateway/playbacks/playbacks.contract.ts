import { z } from 'zod';
import { eventId, pageCursor, pageLimit, reveal, tenantFilter, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const asset = {
  assetKind: z
    .string()
    .regex(/^[a-z][a-z-]{0,31}$/)
    .describe('Such as `stream`.'),
  assetId: eventId.describe('Such as a stream id.'),
};

const playback = z.object({
  id: z.string(),
  tenant: z.string(),
  assetKind: z.string().nullable(),
  assetId: z.string().nullable(),
  player: z.string().nullable(),
  viewer: z.string().nullable().describe('Who watches, where the publisher says so. Masked, as the player is: see `reveal`.'),
  rendition: z.string().nullable().describe('The newest.'),
  renditions: z.array(z.string()).describe('All that were seen.'),
  state: z.enum(['started', 'playing', 'ended']).nullable(),
  startupMs: z.number().nullable(),
  playedMs: z.number().nullable(),
  stalls: z.number().nullable(),
  stalledMs: z.number().nullable(),
  startedAt: timestamp.nullable(),
  seenAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
  endReason: z.string().nullable(),
});

export const listPlaybacks = operation({
  id: 'listPlaybacks',
  tag: 'Playback',
  method: 'GET',
  path: '/api/v1/playbacks',
  summary: 'List playbacks as players report them, those seen last first',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'playback',
  status: 200,
  query: z.strictObject({
    assetKind: asset.assetKind.optional(),
    assetId: asset.assetId.optional(),
    viewer: eventId.optional().describe('Playbacks of this viewer; personal: see `reveal`.'),
    tenant: tenantFilter,
    reveal,
    limit: pageLimit,
    cursor: pageCursor,
  }),
  answer: z.object({ items: z.array(playback), nextCursor: z.string().nullable() }),
});

export const showAudience = operation({
  id: 'showAudience',
  tag: 'Playback',
  method: 'GET',
  path: '/api/v1/playbacks/audience',
  summary: 'How many watch something now, and how well they see it',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'playback',
  status: 200,
  query: z.strictObject({
    ...asset,
    tenant: tenantFilter,
    windowSeconds: z.coerce.number().int().min(5).max(86_400).default(60).describe('Playbacks that were heard of within this time.'),
  }),
  answer: z.object({
    viewers: z.number().describe('Playbacks that have not ended.'),
    playbacks: z.number(),
    startupMs: z.object({ median: z.number(), p95: z.number() }).nullable(),
    stalledShare: z.number().nullable().describe('0 to 1'),
    stallsPerHour: z.number().nullable(),
    renditions: z.record(z.string(), z.number()).describe('Viewers by what they see.'),
    isSample: z.boolean().describe('True when there are more playbacks than were counted: the 10,000 seen last.'),
  }),
});
