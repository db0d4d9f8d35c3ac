import { z } from 'zod';
import { defineEvent } from './define.ts';
import { id, millis } from './fields.ts';

/** SHA-256 of a key's secret part, hex. */
const keyHash = z.string().regex(/^[0-9a-f]{64}$/);
const sampleStream = 'st-7f3k2m9q';

export const streamKeyIssued = defineEvent({
  type: 'stream.key-issued',
  version: 1,
  context: 'stream',
  meaning: 'A stream got another key, known only as a hash; the ones before work until a moment, or on.',
  schema: z.object({
    streamId: id,
    keyHash,
    /** 0 for never. */
    expiresAtMs: millis,
    /** True for a key that lets one publisher in, once. */
    singleUse: z.boolean(),
    /** When the keys before stop working, ms since the Unix epoch; 0 leaves them as they are. */
    previousUntilMs: millis,
  }),
  key: (data) => data.streamId,
  samples: [{ streamId: sampleStream, keyHash: 'b'.repeat(64), expiresAtMs: 1790003600000, singleUse: false, previousUntilMs: 1790000060000 }],
});

export const streamKeyUsed = defineEvent({
  type: 'stream.key-used',
  version: 1,
  context: 'stream',
  meaning: 'A key that was for one publisher let one in, and lets in no other.',
  schema: z.object({ streamId: id, keyHash }),
  key: (data) => data.streamId,
  samples: [{ streamId: sampleStream, keyHash: 'b'.repeat(64) }],
});

export type StreamKeyEventDefinition = typeof streamKeyIssued | typeof streamKeyUsed;
