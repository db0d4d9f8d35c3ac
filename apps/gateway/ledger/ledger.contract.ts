import { contexts, topicPartitions } from '#events';
import { z } from 'zod';
import { eventId, reasonOf } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const topic = z.enum(contexts);
const partition = z.coerce
  .number()
  .int()
  .min(0)
  .max(topicPartitions - 1);
const offset = z.string().regex(/^\d{1,18}$/, 'Expected an offset, a whole number.');

/** The ledger holds records of every tenant. */
const common = { tag: 'Audit', scopes: ['operate'], tenancy: 'platform' } as const;

const proof = z.object({
  eventId: z.string(),
  topic: z.string(),
  partition: z.number(),
  offset: z.string(),
  index: z.number().describe('The leaf of the tree, from 0.'),
  treeSize: z.number(),
  leafHash: z.string().describe('Base64; SHA-256 of 0x00 and the bytes of the record (RFC 6962 section 2.1).'),
  proof: z.array(z.string()).describe('Base64; the inclusion proof of RFC 6962 section 2.1.1.'),
  checkpoint: z.string().describe('The signed note (C2SP tlog-checkpoint) of the tree.'),
});

export const showLedger = operation({
  ...common,
  id: 'showLedger',
  method: 'GET',
  path: '/api/v1/ledger',
  summary: 'Show the audit ledger: its keys, its witnesses, and how far each tree has come',
  status: 200,
  answer: z.object({
    name: z.string().nullable().describe('First part of every origin; null before the first checkpoint.'),
    keys: z.array(z.string()).describe('Verifier keys (C2SP signed-note), oldest first.'),
    witnesses: z.array(z.object({ edgeId: z.string(), verifierKey: z.string() })),
    trees: z.array(
      z.object({
        topic: z.string(),
        partition: z.number(),
        origin: z.string(),
        records: z.number(),
        signedRecords: z.number(),
        checkpoint: z.string().nullable(),
      }),
    ),
    trouble: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why trees stand still, and the way out: the log no longer holds what comes next in them.'),
  }),
});

export const proveEvent = operation({
  ...common,
  id: 'proveEvent',
  method: 'GET',
  path: '/api/v1/ledger/events/:id/proof',
  summary: 'Prove that an event is on the log as it was recorded',
  status: 200,
  params: z.strictObject({ id: eventId }),
  answer: proof,
});

export const proveRecord = operation({
  ...common,
  id: 'proveRecord',
  method: 'GET',
  path: '/api/v1/ledger/:topic/:partition/offsets/:offset/proof',
  summary: 'Prove that the record at a place of the log is as it was recorded',
  status: 200,
  params: z.strictObject({ topic, partition, offset }),
  answer: proof,
});

export const listCheckpoints = operation({
  ...common,
  id: 'listLedgerCheckpoints',
  method: 'GET',
  path: '/api/v1/ledger/:topic/:partition/checkpoints',
  summary: 'List what was signed of a tree, the newest first',
  status: 200,
  params: z.strictObject({ topic, partition }),
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(10_000).default(100) }),
  answer: z.object({ items: z.array(z.object({ records: z.number(), checkpoint: z.string() })) }),
});

export const readLedgerRecords = operation({
  ...common,
  id: 'readLedgerRecords',
  method: 'GET',
  path: '/api/v1/ledger/:topic/:partition/records/:tile',
  summary: 'Read the records of a tile, byte for byte as the ledger hashes them',
  status: 200,
  params: z.strictObject({ topic, partition, tile: z.coerce.number().int().min(0).max(1_000_000_000) }),
  answer: z.string().describe('Up to 256 records: offset (uint64), length (uint32), and what the leaf hash is the SHA-256 of; big-endian.'),
  answerType: 'application/octet-stream',
});

export const beginLedgerExport = operation({
  ...common,
  id: 'beginLedgerExport',
  method: 'GET',
  path: '/api/v1/ledger/export',
  summary: 'Begin an export of the audit ledger: sign the list of its trees for one bundle',
  status: 200,
  answer: z.object({
    exportId: z.string().describe('New each time; what is signed for the bundle names it.'),
    trees: z.string().describe('A note that the ledger has signed: the export, and all trees with their sizes and roots.'),
  }),
});

export const signLedgerHolding = operation({
  ...common,
  id: 'signLedgerHolding',
  method: 'GET',
  path: '/api/v1/ledger/:topic/:partition/holding',
  summary: 'Sign which records of a tree a bundle of that size holds',
  status: 200,
  params: z.strictObject({ topic, partition }),
  query: z.strictObject({
    size: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).describe('Records of the tree, as a checkpoint has signed them.'),
    records: z.enum(['all', 'none']).default('all').describe('Whether the bundle holds records, or hashes alone.'),
    export: z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'Expected 32 hexadecimal digits.')
      .describe('Of the export, which must have begun within the last hour: it ties the trees of a bundle together.'),
    witnessed: z
      .string()
      .regex(/^\d{1,9}\.\d{1,9}\.\d{1,9}$/, 'Expected three counts, such as 2.14.1.')
      .optional()
      .describe('What the bundle has of witnesses: keys in all, cosignatures of checkpoints of the tree, and checkpoints of it that they gave themselves.'),
  }),
  answer: z.object({ holding: z.string().describe('A note that the ledger has signed: leaf and offset of the first record, offset of the last one.') }),
});

export const rotateLedgerKey = operation({
  ...common,
  scopes: ['admin'],
  context: 'operation',
  id: 'rotateLedgerKey',
  method: 'POST',
  path: '/api/v1/ledger/keys/rotate',
  summary: 'Give the audit ledger its next signing key; the one before goes on signing beside it',
  status: 202,
  body: z.strictObject({ reason: reasonOf(1000) }),
  answer: z.object({ keys: z.number().describe('Keys that the ledger has had, the new one included. It signs from the next checkpoint on.') }),
});

export const beginLedgerAnew = operation({
  ...common,
  scopes: ['admin'],
  context: 'operation',
  id: 'beginLedgerAnew',
  method: 'POST',
  path: '/api/v1/ledger/begin-anew',
  summary: 'Begin trees of the audit ledger anew that stand still because the log no longer holds what comes next in them',
  status: 202,
  body: z.strictObject({ reason: reasonOf(1000).describe('Why: it is on the record.') }),
  answer: z.object({
    trees: z.array(
      z.object({
        topic: z.string(),
        partition: z.number(),
        records: z.number().describe('Of the tree that was given up.'),
        beginsAt: z.string().describe('Offset of the first record of the new one. It is in its origin.'),
      }),
    ),
  }),
});
