import { z } from 'zod';
import { defineEvent } from './define.ts';
import { id, text, withoutNul, withoutReason } from './fields.ts';
import { rungSchema } from './stream.events.ts';

const profileId = 'pf-7f3k2m9qabcdefgh';
const sample = {
  profileId,
  name: 'sports',
  description: 'Fast pictures',
  ladder: [{ name: '1080p', height: 1080, videoBitrate: 6000000 }],
  audioBitrate: 128000,
  segmentDurationMs: 2000,
};

export const encodingProfileConfigured = defineEvent({
  type: 'encoding-profile.configured',
  version: 2,
  context: 'stream',
  meaning: 'A tenant has encoder settings under a name, for the streams that are made from then on.',
  schema: z.object({
    profileId: id,
    /** Unique within the tenant; `default` is what its streams get that ask for nothing. */
    name: id,
    description: z.string().max(200).regex(withoutNul),
    ladder: z.array(rungSchema).min(1).max(12),
    /** Bits per second. */
    audioBitrate: z.number().int().positive(),
    segmentDurationMs: z.number().int().min(1000).max(10000),
    reason: text,
  }),
  key: (data) => data.profileId,
  upcasters: [withoutReason],
  samples: [sample, { ...sample, reason: 'faster cuts' }],
});

export const encodingProfileRemoved = defineEvent({
  type: 'encoding-profile.removed',
  version: 1,
  context: 'stream',
  meaning: 'Encoder settings are no more under their name; streams that were made with them keep them.',
  schema: z.object({ profileId: id, reason: text }),
  key: (data) => data.profileId,
  samples: [{ profileId, reason: 'nobody uses it' }],
});

export type EncodingProfileEventDefinition = typeof encodingProfileConfigured | typeof encodingProfileRemoved;
