import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, cid, count, id, millis, text } from './fields.ts';

const topic = z.string().min(1).max(249);
const partition = z.number().int().nonnegative();
/** Decimal. */
const offset = z.string().regex(/^\d{1,19}$/);
const code = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/);
const place = {
  context: 'operation' as const,
  version: 1,
  key: (data: { topic: string; partition: number }) => `${data.topic}/${data.partition}`,
};
const request = {
  context: 'operation' as const,
  version: 1,
  key: (data: { sealingId: string }) => data.sealingId,
  subject: (data: { sealingId: string }) => data.sealingId,
};
const sealingId = 'sl-7f3k2m9qabcd';

export const logSegmentSealed = defineEvent({
  ...place,
  type: 'log.segment-sealed',
  meaning: 'A range of the log lies in the blob store, verified against what the audit ledger has signed; the engine need not hold it any more.',
  schema: z.object({
    topic,
    partition,
    /** Counts the segments of the partition, from 1. */
    number: z.number().int().positive(),
    firstOffset: offset,
    /** One behind the last offset. */
    endOffset: offset,
    records: count,
    /** When its first and its last record were recorded. */
    firstMs: millis,
    lastMs: millis,
    cid,
    sizeBytes: bytes,
    /** Before it was compressed. */
    rawBytes: bytes,
    /** Its leaves in the tree of the audit ledger: the first, and the roots of the perfect subtrees (base64). */
    firstLeaf: count,
    roots: z.array(z.string().max(64)).max(128),
  }),
  subject: (data) => `${data.topic}/${data.partition}/sealed/${data.number}`,
  samples: [
    {
      topic: 'stream',
      partition: 3,
      number: 1,
      firstOffset: '0',
      endOffset: '120000',
      records: 120_000,
      firstMs: 1_790_000_000_000,
      lastMs: 1_790_086_400_000,
      cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
      sizeBytes: 9_400_000,
      rawBytes: 71_000_000,
      firstLeaf: 0,
      roots: ['47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
    },
  ],
});

export const logSealingFailed = defineEvent({
  ...place,
  type: 'log.sealing-failed',
  meaning: 'The past of a partition could not be sealed; nothing was removed. Told once until it changes.',
  schema: z.object({ topic, partition, code, message: text }),
  subject: (data) => `${data.topic}/${data.partition}/sealing`,
  samples: [{ topic: 'stream', partition: 3, code: 'SEALING_FAILED', message: 'What the log holds is not what the ledger has signed.' }],
});

export const logPastRemoved = defineEvent({
  ...place,
  type: 'log.past-removed',
  meaning: 'What the log held of a partition before an offset was removed for good, because it was older than it is kept.',
  schema: z.object({ topic, partition, beforeOffset: offset, records: count }),
  subject: (data) => `${data.topic}/${data.partition}/removed`,
  samples: [{ topic: 'playback', partition: 5, beforeOffset: '120000', records: 120_000 }],
});

export const logSealingRequested = defineEvent({
  ...request,
  type: 'log.sealing-requested',
  meaning: 'Somebody asked that what is older than so long be sealed now.',
  schema: z.object({ sealingId: id, olderThanMs: millis, reason: text }),
  samples: [{ sealingId, olderThanMs: 604_800_000, reason: 'the disk is filling up' }],
});

export const logSealingEnded = defineEvent({
  ...request,
  type: 'log.sealing-ended',
  meaning: 'What could be sealed of what somebody asked for is sealed.',
  schema: z.object({ sealingId: id, segments: count, records: count, sizeBytes: bytes, rawBytes: bytes, failures: count }),
  samples: [{ sealingId, segments: 14, records: 1_400_000, sizeBytes: 110_000_000, rawBytes: 840_000_000, failures: 0 }],
});

export const retentionEventTypes: readonly string[] = [
  logSegmentSealed.type,
  logSealingFailed.type,
  logPastRemoved.type,
  logSealingRequested.type,
  logSealingEnded.type,
];

export type RetentionEventDefinition =
  | typeof logSegmentSealed
  | typeof logSealingFailed
  | typeof logPastRemoved
  | typeof logSealingRequested
  | typeof logSealingEnded;
