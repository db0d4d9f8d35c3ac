import { eventParked, parkedDiscarded, parkedRedriven, parkedRetryFailed, parkedRetryRequested, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';
import { parkedEventTypes, type ParkedDraft } from './parked.decider.ts';

/** One row per record that was set aside, and reader that did so. */
export const parkedEventTable: TableSpec = {
  name: 'parked_event',
  key: { topic: 'text', partition: 'integer', record_offset: 'bigint', consumer: 'text' },
  columns: {
    event_id: { type: 'text', join: 'once' },
    event_type: { type: 'text', join: 'once' },
    code: { type: 'text', join: 'once' },
    field: { type: 'text', join: 'once' },
    message: { type: 'text', join: 'once' },
    stack: { type: 'text', join: 'once' },
    attempts: { type: 'integer', join: 'max' },
    recorded_at_ms: { type: 'bigint', join: 'once' },
    parked_at_ms: { type: 'bigint', join: 'min' },
    // What was said of it last, by when it was said: its reader and those who deal with it are different writers.
    state: { type: 'text', join: 'lww', stamp: 'last' },
    state_by: { type: 'text', join: 'lww', stamp: 'last' },
    state_note: { type: 'text', join: 'lww', stamp: 'last' },
    state_at_ms: { type: 'bigint', join: 'lww', stamp: 'last' },
  },
  indexes: [['recorded_at_ms'], ['state', 'recorded_at_ms']],
};

type ParkedSaid = Extract<DomainEvent, { type: ParkedDraft['type'] }>;

/** `parked`: nobody has dealt with it. */
export type ParkedRowState = 'parked' | 'retrying' | 'discarding' | 'redriven' | 'discarded';

function stateAfter({ type }: ParkedSaid): ParkedRowState {
  if (type === parkedRedriven.type) return 'redriven';
  if (type === parkedDiscarded.type) return 'discarded';
  if (type === parkedRetryFailed.type) return 'parked';
  return type === parkedRetryRequested.type ? 'retrying' : 'discarding';
}

function isSaid(event: DomainEvent): event is ParkedSaid {
  return parkedEventTypes.includes(event.type);
}

function noteOf(event: ParkedSaid): string {
  return event.type === parkedRetryFailed.type ? `${event.data.code}: ${event.data.message}`.slice(0, 1024) : event.data.reason;
}

function project(event: DomainEvent): readonly RowChange[] {
  const stamps = { last: BigInt(event.time) };
  if (isSaid(event)) {
    const { topic, partition, offset, consumer, requestedBy } = event.data;
    const key = { topic, partition, record_offset: BigInt(offset), consumer };
    const set = { state: stateAfter(event), state_by: requestedBy, state_note: noteOf(event), state_at_ms: BigInt(event.time) };
    const tries = event.type === parkedRetryFailed.type ? { attempts: event.data.attempts } : {};
    return [{ table: parkedEventTable.name, key, set: { ...set, ...tries }, stamps }];
  }
  if (event.type !== eventParked.type) return [];
  const { topic, partition, offset, consumer, eventId, eventType, code, field, message, stack, attempts, recordedAtMs } = event.data;
  const key = { topic, partition, record_offset: BigInt(offset), consumer };
  const why = { event_id: eventId, event_type: eventType, code, field, message, stack, attempts };
  const at = { recorded_at_ms: BigInt(recordedAtMs), parked_at_ms: BigInt(event.time) };
  const state = { state: 'parked', state_by: event.actor, state_note: '', state_at_ms: BigInt(event.time) };
  return [{ table: parkedEventTable.name, key, set: { ...why, ...at, ...state }, stamps }];
}

/** What waits for somebody to look at it, and what became of it. */
export const parkedEventsProjection: Projection<DomainEvent> = {
  name: 'parked_events',
  version: 2,
  contexts: ['operation'],
  handles: [eventParked.type, ...parkedEventTypes],
  ignores: ignoredBut([eventParked.type, ...parkedEventTypes]),
  tables: [parkedEventTable],
  project,
};
