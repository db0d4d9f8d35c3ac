import { contexts } from '#events';
import { z } from 'zod';
import { lineOfText, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

/** The log holds events of every tenant. */
const common = { tag: 'Retention', scopes: ['operate'], tenancy: 'platform', context: 'operation' } as const;
const sealingId = z.string().regex(/^sl-[a-z0-9-]{2,40}$/, 'Expected a sealing id such as sl-7f3k2m9q.');
const offset = z.string().describe('Decimal.');
const seconds = z.coerce.number().min(0).max(3_153_600_000);

const partition = z.object({
  topic: z.string(),
  partition: z.number(),
  first: offset.describe('The first offset that can be read.'),
  hotFirst: offset.describe('The first offset that the engine itself holds; what lies before is in sealed segments.'),
  end: offset.describe('The offset that the next event gets.'),
  sealedEnd: offset.describe('One behind the last offset in a segment.'),
  segments: z.number(),
  sealedRecords: z.number(),
  sealedBytes: z.number().describe('In the blob store.'),
  rawBytes: z.number().describe('Of the same, before it was compressed.'),
  firstAt: timestamp.nullable().describe('When the first sealed event was recorded.'),
  sealedUntil: timestamp.nullable().describe('When the last sealed event was recorded.'),
  old: z.number().nullable().describe('Offsets that are older than asked for, and not sealed; null when nothing was asked for.'),
  problem: z.object({ code: z.string(), message: z.string(), at: timestamp }).nullable().describe('Why sealing does not go on.'),
});

export const showRetention = operation({
  ...common,
  id: 'showRetention',
  method: 'GET',
  path: '/api/v1/log',
  summary: 'Show what of the log lies where: in the engine, in sealed segments, and what could be sealed',
  status: 200,
  query: z.strictObject({
    topic: z.enum(contexts).optional(),
    olderThanSeconds: seconds.optional().describe('Says how much is older than that and not sealed.'),
  }),
  answer: z.object({ partitions: z.array(partition) }),
});

const segment = z.object({
  number: z.number(),
  first: offset,
  end: offset,
  records: z.number(),
  firstAt: timestamp,
  lastAt: timestamp,
  sealedAt: timestamp,
  cid: z.string(),
  sizeBytes: z.number(),
  rawBytes: z.number(),
  firstLeaf: z.number(),
  types: z.record(z.string(), z.number()).nullable().describe('Events by type; null when the blob cannot be read.'),
});

export const listSegments = operation({
  ...common,
  id: 'listSealedSegments',
  method: 'GET',
  path: '/api/v1/log/:topic/:partition/segments',
  summary: 'List the sealed segments of a partition, oldest first',
  status: 200,
  params: z.strictObject({ topic: z.enum(contexts), partition: z.coerce.number().int().min(0).max(11) }),
  answer: z.object({ items: z.array(segment) }),
});

const result = z.object({ segments: z.number(), records: z.number(), sizeBytes: z.number(), rawBytes: z.number(), failures: z.number() });

export const requestSealing = operation({
  ...common,
  id: 'requestSealing',
  method: 'POST',
  path: '/api/v1/log/sealings',
  summary: 'Seal what is older than so long now, whatever the settings say',
  status: 202,
  headers: { 'Idempotency-Key': 'A repeated request with the same key is the same sealing.' },
  body: z.strictObject({ olderThanSeconds: z.number().min(0).max(3_153_600_000), reason: lineOfText.max(1024).default('') }),
  answer: z.object({ id: z.string() }),
});

export const showSealing = operation({
  ...common,
  id: 'showSealing',
  method: 'GET',
  path: '/api/v1/log/sealings/:id',
  summary: 'Show what came of an order to seal',
  status: 200,
  params: z.strictObject({ id: sealingId }),
  answer: z.object({ id: z.string(), state: z.enum(['open', 'ended']), olderThanSeconds: z.number(), result: result.nullable() }),
});
