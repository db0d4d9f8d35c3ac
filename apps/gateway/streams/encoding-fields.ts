import { audioTracksMax } from '#domain/stream';
import { z } from 'zod';
import { lineOfText } from '../http/fields.ts';

export const profileName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'Expected the name of an encoding profile: a-z, 0-9 and "-", at most 32.');

export const rung = z.strictObject({
  name: z.string().min(1).max(32).describe('Names the rendition in URLs: a-z, 0-9 and "-".'),
  height: z.number().int().min(16).max(4320).describe('Pixels, even. A rung taller than the source is left out.'),
  videoBitrate: z.number().int().min(50_000).max(100_000_000).describe('Bits per second.'),
  codec: z.enum(['h264', 'hevc']).optional().describe('What the rung is encoded as: H.264, which every player knows, unless it is said.'),
  passThrough: z
    .boolean()
    .optional()
    .describe(
      'The source itself is the rung, unencoded, where it is no taller and its codec and key frames allow it; the rungs below it are encoded. With this rung alone nothing is.',
    ),
});

export const audioTrack = z.strictObject({
  track: z
    .number()
    .int()
    .min(0)
    .max(audioTracksMax - 1)
    .describe("The publisher's number of it; the first has 0."),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/, 'Expected a language as BCP 47 writes it, such as "de" or "pt-BR".')
    .optional(),
  label: lineOfText
    .min(1)
    .max(64)
    .regex(/^[^"]*$/, 'Expected text without quotes.')
    .optional()
    .describe('What listeners choose it by; the name of its language when left out.'),
});

export const audioBitrate = z.number().int().min(16_000).max(512_000).describe('Bits per second.');
export const segmentDurationSeconds = z.number().int().min(1).max(10);
