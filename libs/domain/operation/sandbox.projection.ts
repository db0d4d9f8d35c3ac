import { sandboxCreated, sandboxDropped, sandboxDropRequested, sandboxFailed, sandboxReady, type DomainEvent, type EventOf } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';
import { sandboxEventTypes } from './sandbox-event-types.ts';

/** One row per sandbox that there ever was; those under one name are told apart by their id. */
export const sandboxTable: TableSpec = {
  name: 'sandbox',
  key: { name: 'text', sandbox_id: 'text' },
  columns: {
    projections: { type: 'json', join: 'once' },
    from_ms: { type: 'bigint', join: 'once' },
    until_ms: { type: 'bigint', join: 'once' },
    expires_at_ms: { type: 'bigint', join: 'once' },
    reason: { type: 'text', join: 'once' },
    created_by: { type: 'text', join: 'once' },
    created_at_ms: { type: 'bigint', join: 'once' },
    ready_at_ms: { type: 'bigint', join: 'once' },
    events: { type: 'bigint', join: 'once' },
    failure: { type: 'text', join: 'once' },
    drop_asked_by: { type: 'text', join: 'once' },
    drop_reason: { type: 'text', join: 'once' },
    dropped_at_ms: { type: 'bigint', join: 'once' },
  },
  indexes: [['created_at_ms']],
};

function setBy(event: DomainEvent): RowChange['set'] | undefined {
  const at = BigInt(event.time);
  switch (event.type) {
    case sandboxCreated.type: {
      const { projections, fromMs, untilMs, expiresAtMs, reason } = event.data;
      const window = { from_ms: fromMs === null ? null : BigInt(fromMs), until_ms: BigInt(untilMs), expires_at_ms: BigInt(expiresAtMs) };
      return { projections, ...window, reason, created_by: event.actor, created_at_ms: at };
    }
    case sandboxReady.type:
      return { ready_at_ms: at, events: BigInt(event.data.events) };
    case sandboxFailed.type:
      return { failure: `${event.data.code}: ${event.data.message}` };
    case sandboxDropRequested.type:
      return { drop_asked_by: event.actor, drop_reason: event.data.reason };
    case sandboxDropped.type:
      return { dropped_at_ms: at };
    default:
      return undefined;
  }
}

function project(event: DomainEvent): readonly RowChange[] {
  const set = setBy(event);
  if (set === undefined) return [];
  const { name, sandboxId } = (event as EventOf<typeof sandboxDropped>).data;
  return [{ table: sandboxTable.name, key: { name, sandbox_id: sandboxId }, set }];
}

/** Which sandboxes there are and were, of what, and who asked. */
export const sandboxesProjection: Projection<DomainEvent> = {
  name: 'sandboxes',
  version: 1,
  contexts: ['operation'],
  handles: sandboxEventTypes,
  ignores: ignoredBut(sandboxEventTypes),
  tables: [sandboxTable],
  project,
};
