import { eventParked, ledgerKeyRotated, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { replayEventTypes } from './replay.projection.ts';

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
    recorded_at_ms: { type: 'bigint', join: 'once' },
    parked_at_ms: { type: 'bigint', join: 'min' },
  },
  indexes: [['recorded_at_ms']],
};

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type !== eventParked.type) return [];
  const { topic, partition, offset, consumer, eventId, eventType, code, field, message, recordedAtMs } = event.data;
  const key = { topic, partition, record_offset: BigInt(offset), consumer };
  const set = { event_id: eventId, event_type: eventType, code, field, message, recorded_at_ms: BigInt(recordedAtMs), parked_at_ms: BigInt(event.time) };
  return [{ table: parkedEventTable.name, key, set }];
}

/** What waits for somebody to look at it. */
export const parkedEventsProjection: Projection<DomainEvent> = {
  name: 'parked_events',
  version: 1,
  contexts: ['operation'],
  handles: [eventParked.type],
  ignores: [...replayEventTypes, ledgerKeyRotated.type],
  tables: [parkedEventTable],
  project,
};
