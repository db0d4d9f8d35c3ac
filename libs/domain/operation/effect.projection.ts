import { effectAbandoned, effectFailed, effectRetryRequested, effectSucceeded, reactorReset, type DomainEvent } from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';

const once = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'once' });
const lww = (type: ColumnSpec['type'], stamp: string): ColumnSpec => ({ type, join: 'lww', stamp });

/** One row per effect that has ended; what is under way, the ledger of effects knows. */
export const effectTable: TableSpec = {
  name: 'effect',
  key: { effect_key: 'text' },
  columns: {
    tenant: once('text'),
    reactor: once('text'),
    kind: once('text'),
    lane: once('text'),
    cause_id: once('text'),
    outcome: lww('text', 'round'),
    attempts: lww('integer', 'round'),
    message: lww('text', 'round'),
    ended_at_ms: lww('bigint', 'round'),
    retry_by: lww('text', 'retry'),
    retry_reason: lww('text', 'retry'),
    retry_at_ms: lww('bigint', 'retry'),
  },
  indexes: [['ended_at_ms'], ['tenant', 'ended_at_ms']],
};

/** One row per reset of a reactor. */
export const reactorResetTable: TableSpec = {
  name: 'reactor_reset',
  key: { reactor: 'text', number: 'integer' },
  columns: { from_place: once('text'), reason: once('text'), actor: once('text'), reset_at_ms: once('bigint') },
};

function project(event: DomainEvent): readonly RowChange[] {
  switch (event.type) {
    case effectSucceeded.type:
    case effectFailed.type:
    case effectAbandoned.type: {
      const { effectKey, reactor, kind, lane, attempts, round } = event.data;
      const message = event.type === effectSucceeded.type ? null : event.data.message;
      const about = { tenant: event.tenant, reactor, kind, lane, cause_id: event.causationId };
      const set = { ...about, outcome: event.type.replace('effect.', ''), attempts, message, ended_at_ms: BigInt(event.time) };
      return [{ table: effectTable.name, key: { effect_key: effectKey }, set, stamps: { round: BigInt(round) } }];
    }
    case effectRetryRequested.type: {
      const set = { retry_by: event.actor, retry_reason: event.data.reason, retry_at_ms: BigInt(event.time) };
      return [{ table: effectTable.name, key: { effect_key: event.data.effectKey }, set, stamps: { retry: event.streamVersion } }];
    }
    case reactorReset.type: {
      const { reactor, number, from, fromMs, reason } = event.data;
      const set = { from_place: fromMs === null ? from : String(fromMs), reason, actor: event.actor, reset_at_ms: BigInt(event.time) };
      return [{ table: reactorResetTable.name, key: { reactor, number }, set }];
    }
    default:
      return [];
  }
}

const handles = [effectSucceeded.type, effectFailed.type, effectAbandoned.type, effectRetryRequested.type, reactorReset.type];

/** What became of effects, and where reactors were sent. */
export const effectsProjection: Projection<DomainEvent> = {
  name: 'effects',
  version: 1,
  contexts: ['operation'],
  handles,
  ignores: ignoredBut(handles),
  tables: [effectTable, reactorResetTable],
  project,
};
