import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, id, text, withoutNul } from './fields.ts';

const url = z.url({ protocol: /^https?$/ }).max(2048);
/** A media type without parameters (RFC 9110 section 8.3.1). */
const contentType = z
  .string()
  .max(127)
  .regex(/^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+$/);
const etag = z.string().max(256).regex(withoutNul);

export const contentPublished = defineEvent({
  type: 'content.published',
  version: 1,
  context: 'content',
  publishers: 'anyone',
  meaning: 'Content can be had from its origin, for the first time or described anew.',
  schema: z.strictObject({
    contentId: id,
    /** Where the origin serves it. */
    url,
    contentType,
    sizeBytes: bytes.optional(),
    /** The origin's entity tag of the bytes. */
    etag: etag.optional(),
    title: text.optional(),
    tags: z.array(z.string().min(1).max(64).regex(withoutNul)).max(32).optional(),
  }),
  key: (data) => data.contentId,
  samples: [
    {
      contentId: 'trailer-42',
      url: 'https://origin.example/trailers/42.mp4',
      contentType: 'video/mp4',
      sizeBytes: 18500000,
      etag: '"5d8c72a5"',
      title: 'Trailer',
      tags: ['trailer', 'autumn'],
    },
  ],
});

export const contentChanged = defineEvent({
  type: 'content.changed',
  version: 1,
  context: 'content',
  publishers: 'anyone',
  meaning: 'The bytes of published content changed at the origin.',
  schema: z.strictObject({ contentId: id, url, contentType, sizeBytes: bytes.optional(), etag: etag.optional(), reason: text.optional() }),
  key: (data) => data.contentId,
  samples: [
    {
      contentId: 'trailer-42',
      url: 'https://origin.example/trailers/42.mp4',
      contentType: 'video/mp4',
      sizeBytes: 18499000,
      etag: '"9af1"',
      reason: 'new cut',
    },
  ],
});

export const contentWithdrawn = defineEvent({
  type: 'content.withdrawn',
  version: 1,
  context: 'content',
  publishers: 'anyone',
  meaning: 'Content must no longer be offered.',
  schema: z.strictObject({ contentId: id, reason: text.optional() }),
  key: (data) => data.contentId,
  samples: [{ contentId: 'trailer-42', reason: 'rights ended' }],
});

export type ContentEventDefinition = typeof contentPublished | typeof contentChanged | typeof contentWithdrawn;
