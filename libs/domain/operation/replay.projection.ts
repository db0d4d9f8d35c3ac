import {
  projectionPromoted,
  projectionRolledBack,
  replayCancelled,
  replayCompared,
  replayCompleted,
  replayFailed,
  replayPaused,
  replayPromotionRequested,
  replayRequested,
  replayResumed,
  replayRollbackRefused,
  replayRollbackRequested,
  replayStarted,
  type DomainEvent,
} from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';

/** One row per replay that was asked for. */
export const replayTable: TableSpec = {
  name: 'replay',
  key: { replay_id: 'text' },
  columns: {
    projection: { type: 'text', join: 'once' },
    mode: { type: 'text', join: 'once' },
    from_ms: { type: 'bigint', join: 'once' },
    until_ms: { type: 'bigint', join: 'once' },
    partitions: { type: 'json', join: 'once' },
    promote: { type: 'boolean', join: 'once' },
    reason: { type: 'text', join: 'once' },
    requested_by: { type: 'text', join: 'once' },
    requested_at_ms: { type: 'bigint', join: 'once' },
    projection_version: { type: 'integer', join: 'once' },
    started_at_ms: { type: 'bigint', join: 'once' },
    completed_at_ms: { type: 'bigint', join: 'once' },
    events: { type: 'bigint', join: 'once' },
    promoted_at_ms: { type: 'bigint', join: 'once' },
    rolled_back_at_ms: { type: 'bigint', join: 'once' },
    difference: { type: 'json', join: 'once' },
    last_event: { type: 'text', join: 'lww', stamp: 'last' },
    last_actor: { type: 'text', join: 'lww', stamp: 'last' },
    last_at_ms: { type: 'bigint', join: 'lww', stamp: 'last' },
    last_note: { type: 'text', join: 'lww', stamp: 'last' },
  },
  indexes: [['requested_at_ms'], ['projection', 'requested_at_ms']],
};

type Columns = Record<string, RowChange['set'][string]>;

/** Nothing where nothing is gone: rows from before anybody looked stay as they are. */
function gone(events: number): string {
  return events === 0 ? '' : `${events.toLocaleString('en-US')} events from before it began are no longer on the log`;
}

/** What one event says beyond that it was the last. */
function saidBy(event: DomainEvent): { readonly set: Columns; readonly note: string } | undefined {
  const at = BigInt(event.time);
  switch (event.type) {
    case replayRequested.type: {
      const { projection, mode, fromMs, untilMs, partitions, promote, reason } = event.data;
      const window = { from_ms: fromMs === null ? null : BigInt(fromMs), until_ms: untilMs === null ? null : BigInt(untilMs), partitions };
      return { set: { projection, mode, ...window, promote, reason, requested_by: event.actor, requested_at_ms: at }, note: reason };
    }
    case replayStarted.type:
      return { set: { projection_version: event.data.projectionVersion, started_at_ms: at }, note: event.data.owner };
    case replayCompleted.type:
      return { set: { completed_at_ms: at, events: BigInt(event.data.events) }, note: gone(event.data.eventsGone) };
    case replayCompared.type: {
      const { equal, added, removed, changed, digest, eventsGone } = event.data;
      const difference = { equal, added, removed, changed, digest, ...(eventsGone > 0 ? { eventsGone } : {}) };
      return { set: { completed_at_ms: at, difference }, note: [equal ? 'equal' : 'different', gone(eventsGone)].filter(Boolean).join('; ') };
    }
    case projectionPromoted.type:
      return { set: { promoted_at_ms: at }, note: '' };
    case projectionRolledBack.type:
      return { set: { rolled_back_at_ms: at }, note: '' };
    case replayFailed.type:
    case replayRollbackRefused.type:
      return { set: {}, note: `${event.data.code}: ${event.data.message}` };
    case replayCancelled.type:
    case replayRollbackRequested.type:
      return { set: {}, note: event.data.reason };
    case replayPaused.type:
    case replayResumed.type:
    case replayPromotionRequested.type:
      return { set: {}, note: '' };
    default:
      return undefined;
  }
}

function project(event: DomainEvent): readonly RowChange[] {
  const said = saidBy(event);
  if (said === undefined) return [];
  const last = { last_event: event.type, last_actor: event.actor, last_at_ms: BigInt(event.time), last_note: said.note };
  return [{ table: replayTable.name, key: { replay_id: event.subject }, set: { ...said.set, ...last }, stamps: { last: event.streamVersion } }];
}

export const replayEventTypes: readonly string[] = [
  replayRequested.type,
  replayStarted.type,
  replayPaused.type,
  replayResumed.type,
  replayCancelled.type,
  replayCompleted.type,
  replayFailed.type,
  replayCompared.type,
  replayPromotionRequested.type,
  projectionPromoted.type,
  replayRollbackRequested.type,
  replayRollbackRefused.type,
  projectionRolledBack.type,
];

/** What was rebuilt and compared, by whom, and what became of it. */
export const replaysProjection: Projection<DomainEvent> = {
  name: 'replays',
  version: 1,
  contexts: ['operation'],
  handles: replayEventTypes,
  ignores: ignoredBut(replayEventTypes),
  tables: [replayTable],
  partitionedBy: { replay: 'replay_id' },
  project,
};
