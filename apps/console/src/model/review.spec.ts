import { describe, expect, test } from '@jest/globals';
import { feedPathOf, fetchCurl, openRows, publishCurl, routeOf, searchOf, sideBySide, type FoundEvent, type TreeNode } from './review.ts';

test('a search survives the address, and what is empty is not asked for', () => {
  const search = { subject: 'st-1/720p', where: 'data.a == "b&c"' };
  expect(searchOf(routeOf(search, 'e 1').slice(2))).toEqual({ search, event: 'e 1' });
  expect(searchOf('events')).toEqual({ search: {}, event: undefined });
  expect(searchOf('events/search?subject=&type=%20&colour=red').search).toEqual({});
});

test('the feed follows what it has filters for, and nothing else', () => {
  expect(feedPathOf({ context: 'cache', subject: 'a b' })).toBe('/api/v1/events/live?from=now&context=cache&subject=a+b');
  expect(feedPathOf({ where: 'true' })).toBeUndefined();
  expect(feedPathOf({ actor: 'key:k-1' })).toBeUndefined();
});

test('below a closed row nothing is seen, and what comes behind it is', () => {
  const nodes = [0, 1, 2, 1, 0].map((depth, n) => ({ id: `e${n}`, depth }) as TreeNode);
  const seen = (...closed: string[]): string =>
    openRows(nodes, new Set(closed))
      .map(({ id }) => id)
      .join(' ');
  expect(seen()).toBe('e0 e1 e2 e3 e4');
  expect(seen('e1')).toBe('e0 e1 e3 e4');
  expect(seen('e0', 'e1')).toBe('e0 e4');
});

describe('a call to copy', () => {
  const event = { type: 'content.published', source: '/cms', dataschema: 'urn:x', data: { title: "it's" } } as unknown as FoundEvent;

  test('never has a key, and survives a shell', () => {
    expect(fetchCurl('http://h', "a'b/c")).toBe(`curl -H "Authorization: Bearer $STREAMS_KEY" 'http://h/api/v1/events/a'\\''b%2Fc'`);
    expect(publishCurl('http://h', event)).toContain(`"data":{"title":"it'\\''s"}`);
  });
});

test('two versions stand side by side, with what the other lacks marked', () => {
  const { stored, read } = sideBySide({ a: 1, b: 2 }, { a: 1, c: 3 });
  expect(stored.filter(({ differs }) => differs).map(({ text }) => text.trim())).toEqual(['"b": 2']);
  expect(read.filter(({ differs }) => differs).map(({ text }) => text.trim())).toEqual(['"c": 3']);
});
