import { defaultAudioBitrate, defaultSegmentDurationMs, rungsMax } from '#domain/stream';
import { z } from 'zod';
import { lineOfText } from '../http/fields.ts';
import { operation } from '../http/operation.ts';
import { audioBitrate, profileName, rung, segmentDurationSeconds } from '../streams/encoding-fields.ts';

const params = z.strictObject({ name: profileName });
const common = { tag: 'Streams', tenancy: 'own', context: 'stream' } as const;

const profile = z.object({
  name: z.string(),
  tenant: z.string(),
  description: z.string(),
  ladder: z.array(rung),
  audioBitrate: z.number(),
  segmentDurationSeconds: z.number(),
});

export const listProfiles = operation({
  ...common,
  id: 'listEncodingProfiles',
  method: 'GET',
  path: '/api/v1/encoding-profiles',
  summary: 'List encoding profiles, by name',
  scopes: ['publish', 'operate'],
  status: 200,
  answer: z.object({ items: z.array(profile) }),
});

export const showProfile = operation({
  ...common,
  id: 'showEncodingProfile',
  method: 'GET',
  path: '/api/v1/encoding-profiles/:name',
  summary: 'Show an encoding profile',
  scopes: ['publish', 'operate'],
  status: 200,
  params,
  answer: profile,
});

export const configureProfile = operation({
  ...common,
  id: 'configureEncodingProfile',
  method: 'PUT',
  path: '/api/v1/encoding-profiles/:name',
  summary: 'Keep encoder settings under a name, for the streams that are made from now on; those under `default` are for streams that ask for none',
  scopes: ['operate'],
  status: 200,
  params,
  body: z.strictObject({
    description: lineOfText.max(200).default(''),
    ladder: z.array(rung).min(1).max(rungsMax),
    audioBitrate: audioBitrate.default(defaultAudioBitrate),
    segmentDurationSeconds: segmentDurationSeconds.default(defaultSegmentDurationMs / 1000),
    reason: lineOfText.max(200).default('').describe('Why, for the record.'),
  }),
  answer: profile,
});

export const removeProfile = operation({
  ...common,
  id: 'removeEncodingProfile',
  method: 'DELETE',
  path: '/api/v1/encoding-profiles/:name',
  summary: 'Remove an encoding profile; streams that were made with it keep its settings',
  scopes: ['operate'],
  status: 204,
  params,
  query: z.strictObject({ reason: lineOfText.max(200).optional().describe('Why, for the record.') }),
});
