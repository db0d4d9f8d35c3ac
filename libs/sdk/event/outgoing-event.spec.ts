import { expect, test } from '@jest/globals';
import { contentPublished, contentWithdrawn } from '../../events/index.ts';
import { outgoingEvent } from './outgoing-event.ts';

const data = { contentId: 'c-1', url: 'https://origin.example/1', contentType: 'video/mp4' };

test('what is said of one key within a millisecond is said one after the other', () => {
  const times = Array.from({ length: 50 }, (_none, at) =>
    at % 2 === 0
      ? outgoingEvent(contentPublished.type, data, {}, '/cms').time
      : outgoingEvent(contentWithdrawn.type, { contentId: 'c-1', reason: 'rights' }, {}, '/cms').time,
  );
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
});

test('an event of an id or a time of the caller’s is the same however often it is made', () => {
  for (const options of [{ id: '019a0000-0000-7000-8000-000000000001' }, { time: 1_790_000_000_000 }])
    expect(outgoingEvent(contentPublished.type, data, options, '/cms').time).toBe(outgoingEvent(contentPublished.type, data, options, '/cms').time);
});
