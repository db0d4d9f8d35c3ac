import { topicPartitions } from '#events';
import { z } from 'zod';
import { lineOfText, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const replayId = z.string().regex(/^rp-[a-z0-9-]{2,40}$/, 'Expected a replay id such as rp-7f3k2m9q.');
const params = z.strictObject({ id: replayId });
const reason = lineOfText.max(1024).default('');
const common = { tag: 'Replays', scopes: ['operate'], tenancy: 'platform', context: 'operation' } as const;

const acceptLoss = z
  .boolean()
  .default(false)
  .describe('Promote it even where the log no longer holds all events (LOG_SEALED_DAYS): rows that only removed ones told of are then no longer there.');

const side = z.object({ serving: z.unknown(), rebuilt: z.unknown() });

const tableDifference = z.object({
  table: z.string(),
  serving: z.number().describe('Rows that readers see, of all tenants, as are the other counts.'),
  rebuilt: z.number(),
  added: z.number(),
  removed: z.number(),
  changed: z.number(),
  changedColumns: z.record(z.string(), z.number()).describe('Changed rows by column.'),
  onlyServing: z.array(z.string()).describe('Columns that only the serving version has; they are not compared.'),
  onlyRebuilt: z.array(z.string()),
  servingDigest: z.string(),
  rebuiltDigest: z.string(),
  samples: z
    .array(z.object({ kind: z.enum(['added', 'removed', 'changed']), key: z.record(z.string(), z.unknown()), columns: z.record(z.string(), side) }))
    .describe('The first 20 in the order of their keys, as far as this key may read them.'),
  withheld: z.number().describe('Of those, rows of other tenants, and of tables that do not say whose their rows are: for keys that see every tenant.'),
});

export const difference = z.object({
  equal: z.boolean(),
  servingVersion: z.number(),
  rebuiltVersion: z.number(),
  comparedAt: timestamp,
  tablesOnlyServing: z.array(z.string()),
  tablesOnlyRebuilt: z.array(z.string()),
  tables: z.array(tableDifference),
});

const status = z.enum(['requested', 'running', 'paused', 'ready', 'promoting', 'promoted', 'rolling-back', 'rolled-back', 'compared', 'cancelled', 'failed']);

const summary = z.object({
  id: z.string(),
  projection: z.string(),
  mode: z.enum(['rebuild', 'comparison']),
  status,
  version: z.number().nullable().describe('Of the code that builds it; null before it started.'),
  from: timestamp.nullable(),
  until: timestamp.nullable(),
  partitions: z.array(z.number()).nullable(),
  promote: z.boolean(),
  reason: z.string(),
  requestedBy: z.string().nullable(),
  requestedAt: timestamp.nullable(),
  lastEvent: z.string().nullable(),
  lastActor: z.string().nullable(),
  lastAt: timestamp.nullable(),
  note: z.string().nullable().describe('What the last event says: why it failed, why it was cancelled.'),
  progress: z
    .object({
      done: z.number(),
      total: z.number(),
      eventsPerSecond: z.number(),
      etaMs: z.number().nullable(),
      skipped: z
        .number()
        .describe('Passed over: records that nobody can read, what was discarded, and, with `onPoison: skip`, what the projection cannot handle.'),
      poisoned: z.array(z.object({ place: z.string(), code: z.string(), message: z.string() })).optional(),
      at: timestamp,
    })
    .nullable(),
  eventsGone: z
    .number()
    .nullable()
    .describe(
      'Events that the log no longer held when it began: rows that only they told of are not in it. Null before it is done, and in a list once it is over.',
    ),
  serves: z.boolean().describe('Whether readers see it now: such a one can be rolled back while its predecessor is kept.'),
});

const detail = summary.extend({
  behind: z.object({ events: z.number(), partition: z.string() }).nullable().describe('How far it is behind the log, and the partition that lacks most.'),
  difference: difference.nullable(),
});

export const requestReplay = operation({
  ...common,
  id: 'requestReplay',
  method: 'POST',
  path: '/api/v1/replays',
  summary: 'Build a read model anew beside the serving one, to promote or to compare it',
  status: 202,
  headers: { 'Idempotency-Key': 'A repeated request with the same key is the same replay.' },
  body: z.strictObject({
    projection: z.string().min(1).max(50),
    mode: z.enum(['rebuild', 'comparison']).default('rebuild'),
    from: timestamp.optional().describe('Only events recorded from then on. Such a replay cannot be promoted.'),
    until: timestamp.optional(),
    partitions: z
      .array(
        z
          .number()
          .int()
          .min(0)
          .max(topicPartitions - 1),
      )
      .min(1)
      .max(topicPartitions)
      .optional(),
    promote: z.boolean().default(false).describe('Let readers see it as soon as it has caught up.'),
    acceptLoss,
    onPoison: z
      .enum(['stop', 'skip'])
      .default('stop')
      .describe(
        'At an event that the projection cannot handle: end the replay, or pass it over and list it. Records that nobody can read are parked for everyone: they are passed over and counted either way.',
      ),
    reason,
  }),
  answer: z.object({ id: z.string() }),
});

export const listReplays = operation({
  ...common,
  id: 'listReplays',
  method: 'GET',
  path: '/api/v1/replays',
  summary: 'List replays, the newest first',
  status: 200,
  query: z.strictObject({
    projection: z.string().min(1).max(50).optional(),
    mode: z.enum(['rebuild', 'comparison']).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  answer: z.object({ items: z.array(summary) }),
});

export const showReplay = operation({
  ...common,
  id: 'showReplay',
  method: 'GET',
  path: '/api/v1/replays/:id',
  summary: 'Show a replay: how far it is, and what differs',
  status: 200,
  params,
  answer: detail,
});

const told = z.object({ id: z.string(), status });

const verb = <const Id extends string, const Path extends string>(id: Id, path: Path, text: string) =>
  operation({
    ...common,
    id,
    method: 'POST',
    path: `/api/v1/replays/:id/${path}`,
    summary: text,
    status: 202,
    params,
    body: z.strictObject({ reason }).default({ reason: '' }),
    answer: told,
  });

export const pauseReplay = verb('pauseReplay', 'pause', 'Let a replay stand still, at a position at which its rows are whole');
export const resumeReplay = verb('resumeReplay', 'resume', 'Let a paused replay go on');
export const cancelReplay = verb('cancelReplay', 'cancel', 'Give a replay up and drop its tables');
export const promoteReplay = operation({
  ...common,
  id: 'promoteReplay',
  method: 'POST',
  path: '/api/v1/replays/:id/promote',
  summary: 'Let readers see a replay that has caught up',
  status: 202,
  params,
  body: z.strictObject({ reason, acceptLoss }).default({ reason: '', acceptLoss: false }),
  answer: told,
});
export const rollBackReplay = verb('rollBackReplay', 'rollback', 'Let readers see again what a replay replaced');

export const listProjections = operation({
  ...common,
  id: 'listProjections',
  method: 'GET',
  path: '/api/v1/projections',
  summary: 'List read models: which version serves, and how far it is behind the log',
  status: 200,
  answer: z.object({
    items: z.array(
      z.object({
        name: z.string(),
        version: z.number().nullable().describe('The one that readers see.'),
        codeVersion: z.number().describe('Of the code of this gateway.'),
        versions: z.array(z.number()).describe('Those that have tables.'),
        contexts: z.array(z.string()),
        lagEvents: z.number(),
        lagSeconds: z.number().describe('Of what can be read: where there is trouble it may be more.'),
        eventsPerSecond: z.number().nullable().describe('Of all projectors, since the last look here; null at the first.'),
        lastError: z
          .object({ code: z.string(), message: z.string(), place: z.string(), eventId: z.string(), at: timestamp.nullable() })
          .nullable()
          .describe('The newest event that it could not take and that stands parked, at this place; null once all are dealt with.'),
        trouble: z
          .object({ code: z.string(), message: z.string() })
          .nullable()
          .describe('Why it does not move, and the way out: it stands at events that the log no longer holds, or the log cannot be read there.'),
        heldBack: z
          .object({ id: z.string(), version: z.number(), eventsGone: z.number(), message: z.string() })
          .nullable()
          .describe('A build that is ready, and would lose what the log no longer holds: it waits until somebody accepts that.'),
        kept: z.number().describe('Predecessors that a roll-back can bring back.'),
      }),
    ),
  }),
});
