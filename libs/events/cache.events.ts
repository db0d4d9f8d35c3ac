import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, id, millis, text, withoutNul } from './fields.ts';

export const purgeRequested = defineEvent({
  type: 'purge.requested',
  version: 1,
  context: 'cache',
  meaning: 'Somebody asked every edge to forget what it cached for these URLs.',
  schema: z.object({
    purgeId: id,
    /** Absolute URLs or absolute paths (`/live/x/master.m3u8`): a path purges it on every host. */
    urls: z.array(z.string().min(1).max(4096).regex(withoutNul)).min(1).max(1000),
    reason: text,
  }),
  key: (data) => data.purgeId,
  samples: [{ purgeId: 'pg-1', urls: ['/live/st-7f3k2m9q/master.m3u8'], reason: 'wrong logo' }],
});

export const purgeApplied = defineEvent({
  type: 'purge.applied',
  version: 1,
  context: 'cache',
  meaning: 'An edge applied a purge; from then on it serves nothing older for those URLs.',
  schema: z.object({ purgeId: id, edgeId: id, objects: count, appliedAtMs: millis }),
  key: (data) => data.purgeId,
  subject: (data) => `${data.purgeId}/${data.edgeId}`,
  samples: [{ purgeId: 'pg-1', edgeId: 'edge-1', objects: 1, appliedAtMs: 1790000000000 }],
});

export type CacheEventDefinition = typeof purgeRequested | typeof purgeApplied;
