import { describe, expect, test } from '@jest/globals';
import { edgeReported, eventParked, type DomainEvent, type EventOf } from '#events';
import { foldChanges } from '#kernel';
import { parkedEventsProjection } from './parked-event.projection.ts';

const data: EventOf<typeof eventParked>['data'] = {
  topic: 'content',
  partition: 3,
  offset: '9007199254740993',
  eventId: 'e-9',
  eventType: 'content.published',
  code: 'EVENT_DATA_INVALID',
  field: 'data.url',
  message: 'data.url: Invalid URL',
  consumer: '*',
  attempts: 2,
  stack: 'at x',
  recordedAtMs: 90,
};
const parked = (time: number, consumer = '*'): DomainEvent =>
  ({ ...eventParked.draft({ ...data, consumer }), id: `e-${time}`, time, actor: 'system:t' }) as unknown as DomainEvent;
const rowsOf = (...events: readonly DomainEvent[]) =>
  foldChanges(
    parkedEventsProjection.tables,
    events.flatMap((each) => parkedEventsProjection.project(each)),
  );

describe('the parked events projection', () => {
  test('a record that two processes set aside is one row, since the first of them, its offset exact beyond 2^53', () => {
    const expected = {
      table: 'parked_event',
      key: { topic: 'content', partition: 3, record_offset: 9_007_199_254_740_993n, consumer: '*' },
      set: {
        event_id: 'e-9',
        event_type: 'content.published',
        code: 'EVENT_DATA_INVALID',
        field: 'data.url',
        message: 'data.url: Invalid URL',
        stack: 'at x',
        attempts: 2,
        recorded_at_ms: 90n,
        parked_at_ms: 100n,
        state: 'parked',
        state_by: 'system:t',
        state_note: '',
        state_at_ms: 150n,
      },
    };
    expect(rowsOf(parked(100), parked(150))).toEqual([expect.objectContaining(expected)]);
    expect(rowsOf(parked(150), parked(100))).toEqual([expect.objectContaining(expected)]);
  });

  test('each reader that cannot read it has its own row', () => {
    expect(rowsOf(parked(100), parked(150, 'projector:streams')).map(({ key }) => key['consumer'])).toEqual(['*', 'projector:streams']);
  });

  test('events of others change nothing', () => {
    expect(parkedEventsProjection.project({ ...parked(100), type: edgeReported.type } as unknown as DomainEvent)).toEqual([]);
  });
});
