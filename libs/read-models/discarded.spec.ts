import { expect, test } from '@jest/globals';
import type { KnownParked } from '#domain/operation';
import { discarded } from './discarded.ts';
import { projections } from './projections.ts';

const about = { topic: 'stream', partition: 3, parkedId: 'pk', verb: 'discard', order: 1, requestedBy: 'key:k', reason: 'why' } as const;

test('what was discarded changes the past of its projection, and what nobody could read that of all', () => {
  const states: readonly KnownParked[] = [
    { ...about, offset: '12', consumer: 'streams@1', status: 'discarded', redrive: 'closed' },
    { ...about, offset: '2', consumer: 'streams@1', status: 'ordered', redrive: 'open' },
    { ...about, offset: '17', consumer: '*', status: 'discarded', redrive: 'closed' },
  ];
  const places = discarded.placesOf(states);
  expect(places.filter(({ projection }) => projection === 'streams')).toEqual(
    [12n, 17n].map((before) => ({ projection: 'streams', topic: 'stream', partition: 3, before })),
  );
  expect(places.filter(({ before }) => before === 17n)).toHaveLength(projections.length);
  expect(places).toHaveLength(projections.length + 1);
});
