import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, id, millis, text } from './fields.ts';

const version = z.number().int().nonnegative();
const replayId = 'rp-7f3k2m9qabcd';
const common = {
  context: 'operation' as const,
  version: 1,
  key: (data: { replayId: string }) => data.replayId,
  subject: (data: { replayId: string }) => data.replayId,
};

/** Whether what the log no longer holds may be missing from then on: rows that only removed events told of. */
const acceptLoss = z.boolean();
const withoutLoss = (data: unknown): unknown => ({ ...(data as object), acceptLoss: false });

/** Events that the log no longer held when the replay began: what only they told is not in it. */
const eventsGone = count;
const noneGone = (data: unknown): unknown => ({ ...(data as object), eventsGone: 0 });

export const replayRequested = defineEvent({
  ...common,
  version: 3,
  type: 'replay.requested',
  meaning: 'Somebody asked for a read model to be built anew from the log, to serve or to be compared.',
  schema: z.object({
    replayId: id,
    projection: id,
    /** `comparison`: built beside the serving one, compared with it and dropped. */
    mode: z.enum(['rebuild', 'comparison']),
    /** Only events recorded from then on, ms since the Unix epoch; null: from the beginning. */
    fromMs: millis.nullable(),
    untilMs: millis.nullable(),
    /** Only these partitions of each topic; null: all. */
    partitions: z.array(z.number().int().nonnegative()).max(1000).nullable(),
    /** Lets readers see it as soon as it has caught up. */
    promote: z.boolean(),
    reason: text,
    /** At an event that the projection cannot handle: `stop` ends the replay, `skip` passes it over and lists it. */
    onPoison: z.enum(['stop', 'skip']),
    acceptLoss,
  }),
  // Version 1 knew no choice: it stopped. Version 2 did not ask what the log no longer holds.
  upcasters: [(data) => ({ ...(data as object), onPoison: 'stop' }), withoutLoss],
  samples: [
    { replayId, projection: 'streams', mode: 'rebuild', fromMs: null, untilMs: null, partitions: null, promote: true, reason: 'new columns' },
    { replayId, projection: 'streams', mode: 'rebuild', fromMs: null, untilMs: null, partitions: null, promote: true, reason: '', onPoison: 'skip' },
    {
      ...{ replayId, projection: 'streams', mode: 'rebuild', fromMs: null, untilMs: null, partitions: null },
      ...{ promote: true, reason: 'two years are enough', onPoison: 'stop', acceptLoss: true },
    },
  ],
});

export const replayStarted = defineEvent({
  ...common,
  type: 'replay.started',
  meaning: 'A projector began to build the read model, by the code that it has.',
  schema: z.object({ replayId: id, projectionVersion: version, owner: text }),
  samples: [{ replayId, projectionVersion: 2, owner: 'node-1/projector-1' }],
});

export const replayPaused = defineEvent({
  ...common,
  type: 'replay.paused',
  meaning: 'A replay stands still, at a position at which its rows are whole.',
  schema: z.object({ replayId: id }),
  samples: [{ replayId }],
});

export const replayResumed = defineEvent({
  ...common,
  type: 'replay.resumed',
  meaning: 'A replay that was paused goes on from where it stood.',
  schema: z.object({ replayId: id }),
  samples: [{ replayId }],
});

export const replayCancelled = defineEvent({
  ...common,
  type: 'replay.cancelled',
  meaning: 'A replay was given up before anybody saw its rows; its tables are dropped.',
  schema: z.object({ replayId: id, reason: text }),
  samples: [{ replayId, reason: 'wrong projection' }],
});

export const replayCompleted = defineEvent({
  ...common,
  version: 3,
  type: 'replay.completed',
  meaning: 'A replay has caught up with the log and its indexes are made: it could serve.',
  schema: z.object({
    replayId: id,
    events: count,
    skipped: count,
    /** The first events that the projection could not handle, and that were passed over because the order said so. */
    poisoned: z.array(z.object({ place: text, code: text, message: text })).max(20),
    eventsGone,
  }),
  upcasters: [(data) => ({ ...(data as object), poisoned: [] }), noneGone],
  samples: [
    { replayId, events: 1_000_000, skipped: 0 },
    { replayId, events: 1_000_000, skipped: 1, poisoned: [{ place: 'stream/3/17', code: 'PROJECTION_FAILED', message: 'streams failed on stream.started' }] },
    { replayId, events: 400_000, skipped: 0, poisoned: [], eventsGone: 600_000 },
  ],
});

export const replayFailed = defineEvent({
  ...common,
  type: 'replay.failed',
  meaning: 'A replay ended at something that trying again does not overcome; what serves goes on as it was.',
  schema: z.object({ replayId: id, code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), message: text }),
  samples: [{ replayId, code: 'PROJECTION_FAILED', message: 'streams failed on stream.started (partition 3, offset 17).' }],
});

export const replayCompared = defineEvent({
  ...common,
  version: 2,
  type: 'replay.compared',
  meaning: 'A replay was compared with the serving read model row by row, both at the same positions, and dropped.',
  schema: z.object({ replayId: id, equal: z.boolean(), added: count, removed: count, changed: count, digest: text, eventsGone }),
  upcasters: [noneGone],
  samples: [
    { replayId, equal: false, added: 0, removed: 0, changed: 3, digest: '5f1c09d2a7b3e841-9c0de7f2b1a45360' },
    { replayId, equal: false, added: 0, removed: 12, changed: 0, digest: '5f1c09d2a7b3e841-9c0de7f2b1a45360', eventsGone: 600_000 },
  ],
});

export const replayPromotionRequested = defineEvent({
  ...common,
  version: 2,
  type: 'replay.promotion-requested',
  meaning: 'Somebody asked that readers see a replay that has caught up.',
  schema: z.object({ replayId: id, acceptLoss }),
  upcasters: [withoutLoss],
  samples: [{ replayId }, { replayId, acceptLoss: true }],
});

export const replayRollbackRequested = defineEvent({
  ...common,
  type: 'replay.rollback-requested',
  meaning: 'Somebody asked that readers see again what a replay replaced.',
  schema: z.object({ replayId: id, reason: text }),
  samples: [{ replayId, reason: 'wrong totals' }],
});

export const replayRollbackRefused = defineEvent({
  ...common,
  type: 'replay.rollback-refused',
  meaning: 'What a replay replaced cannot serve again: it is no longer kept, or the replay does not serve.',
  schema: z.object({ replayId: id, code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), message: text }),
  samples: [{ replayId, code: 'BUILD_NOT_KEPT', message: 'What served before is no longer kept.' }],
});

const modelSwitch = z.object({ replayId: id, projection: id, fromVersion: version, toVersion: version });

export const projectionPromoted = defineEvent({
  ...common,
  type: 'projection.promoted',
  meaning: 'Readers see the rows of a replay; what they saw before is kept for a while.',
  schema: modelSwitch,
  samples: [{ replayId, projection: 'streams', fromVersion: 1, toVersion: 2 }],
});

export const projectionRolledBack = defineEvent({
  ...common,
  type: 'projection.rolled-back',
  meaning: 'Readers see again what a replay had replaced.',
  schema: modelSwitch,
  samples: [{ replayId, projection: 'streams', fromVersion: 2, toVersion: 1 }],
});

export type ReplayEventDefinition =
  | typeof replayRequested
  | typeof replayStarted
  | typeof replayPaused
  | typeof replayResumed
  | typeof replayCancelled
  | typeof replayCompleted
  | typeof replayFailed
  | typeof replayCompared
  | typeof replayPromotionRequested
  | typeof replayRollbackRequested
  | typeof replayRollbackRefused
  | typeof projectionPromoted
  | typeof projectionRolledBack;
