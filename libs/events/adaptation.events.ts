import { z } from 'zod';
import { defineEvent } from './define.ts';
import { epoch, id, text } from './fields.ts';

export const encodingAdapted = defineEvent({
  type: 'encoding.adapted',
  version: 2,
  context: 'stream',
  meaning: 'How a stream is encoded was changed while it is live: down, because the machine or the source did not allow it as it was, or up again.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    epoch,
    node: id,
    /** What was changed: the source is (no longer) a rendition as it is; a faster preset; the highest rung; the frame rate; its process begins no other stream; media was left out; the newest key frame is shown while no picture comes. */
    step: z.enum(['pass-through', 'preset', 'top-rung', 'frame-rate', 'new-streams', 'media', 'picture']),
    direction: z.enum(['down', 'up']),
    /** Why, and what it is now. */
    detail: text,
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/encoding`,
  // Version 2 knows of pictures that are carried as they are and stop while their sound goes on.
  upcasters: [(data) => data],
  samples: [
    {
      streamId: 'st-7f3k2m9q',
      sessionId: '01926f4e-7d3a-7000-8000-000000000001',
      epoch: 1,
      node: 'media-1',
      step: 'preset',
      direction: 'down',
      detail: 'superfast: the machine cannot encode in real time.',
    },
    {
      streamId: 'st-7f3k2m9q',
      sessionId: '01926f4e-7d3a-7000-8000-000000000001',
      epoch: 1,
      node: 'media-1',
      step: 'picture',
      direction: 'down',
      detail: 'No picture comes while the sound goes on: its newest key frame is shown.',
    },
  ],
});

export type AdaptationEventDefinition = typeof encodingAdapted;
