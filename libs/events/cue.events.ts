import { z } from 'zod';
import { defineEvent } from './define.ts';
import { epoch, id, text } from './fields.ts';

/** Why what an encoder said about a moment was not made into a marker. */
export const cueRefusals = ['malformed', 'too-large', 'too-many'] as const;

export const streamCueRefused = defineEvent({
  type: 'stream.cue-refused',
  version: 1,
  context: 'stream',
  meaning: "A publisher's cue points could not be made into markers, and why; its media is not touched by it.",
  schema: z.object({
    streamId: id,
    sessionId: id,
    epoch,
    /** Name of the newest message, such as onCuePoint. */
    cue: z.string().max(64),
    reason: z.enum(cueRefusals),
    detail: text,
    /** How many were refused since this was told last. */
    refused: z.number().int().positive(),
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/cues`,
  samples: [
    {
      streamId: 'st-7f3k2m9q',
      sessionId: '01926f4e-7d3a-7000-8000-000000000001',
      epoch: 1,
      cue: 'onCuePoint',
      reason: 'malformed',
      detail: 'It has no properties.',
      refused: 1,
    },
  ],
});

export type CueEventDefinition = typeof streamCueRefused;
