import { describe, expect, test } from '@jest/globals';
import { cellOf, nameOf, originOf } from './rows.ts';

const sealed = `sealed:v1:${'k'.repeat(22)}:*:${'b'.repeat(44)}`;

describe('a row', () => {
  test.each([
    ['stream', { stream_id: 'st-1' }, { search: { subject: 'st-1' } }],
    [
      'segment',
      { stream_id: 'st-1', rendition: '720p', media_sequence: 4 },
      { search: { subject: 'st-1/720p', where: 'has(data.mediaSequence) && data.mediaSequence == 4' } },
    ],
    ['session', { stream_id: 'st-1', session_id: 'a"b' }, { search: { subject: 'st-1', where: 'has(data.sessionId) && data.sessionId == "a\\"b"' } }],
    ['edge', { edge_id: 'edge-1', origin: 'south' }, { search: { subject: 'edge-1', where: 'event.origin == "south"' } }],
    ['edge_counters', { edge_id: 'edge-1', incarnation: '7', origin: '' }, { search: { subject: 'edge-1/7', where: 'event.origin == ""' } }],
    ['purge_application', { purge_id: 'pg-1', edge_id: 'edge-1', origin: 'south' }, { search: { subject: 'pg-1/edge-1', where: 'event.origin == "south"' } }],
    [
      'audience',
      { stream_id: 'st-1', origin: 'south' },
      { search: { type: 'edge.audience-reported', where: 'event.origin == "south" && data.streams.exists(one, one.streamId == "st-1")' } },
    ],
    ['subject_action', { event_id: 'e-1' }, { search: {}, event: 'e-1' }],
    [
      'personal_place',
      { topic: 'access', first_at_ms: 0, last_at_ms: 999 },
      { search: { context: 'access', since: '1970-01-01T00:00:00.000Z', until: '1970-01-01T00:00:01.000Z' } },
    ],
    ['something_else', {}, undefined],
  ])('of %s leads to its events', (table, row, origin) => {
    expect(originOf(table, row)).toEqual(origin);
  });

  test.each([
    ['name', null, '–'],
    ['started_at_ms', 1_700_000_000_000, '2023-11-14 22:13:20Z'],
    ['grace_ms', 60_000, '60000'],
    ['urls', ['/a', '/b'], '["/a","/b"]'],
    ['promote', false, 'false'],
    ['viewer', sealed, '***'],
    ['viewers', ['a', sealed], '["a","***"]'],
    ['note', 'sealed:v1:yesterday', 'sealed:v1:yesterday'],
  ])('has in %s a cell for %j', (column, value, cell) => {
    expect(cellOf(column, value)).toBe(cell);
  });

  test('is named by its key', () => {
    expect(nameOf(['topic', 'partition'], { partition: 3, topic: 'stream', x: 1 })).toBe('stream / 3');
  });
});
