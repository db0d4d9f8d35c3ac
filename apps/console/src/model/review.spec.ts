import { describe, expect, test } from '@jest/globals';
import {
  aroundOf,
  asksForEffects,
  feedPathOf,
  fetchCurl,
  isOfEffect,
  openRows,
  personalStand,
  publishCurl,
  routeOf,
  searchOf,
  sideBySide,
  type FoundEvent,
  type TreeNode,
} from './review.ts';

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

test.each([
  ['e4', 'e0 e3 e4'],
  ['e3', 'e0 e3 e4 e5'],
  ['e7', 'e7'],
  ['e0', 'e0 e1 e2 e3 e4 e5'],
  ['none', 'e0 e1 e2 e3 e4 e5 e6 e7'],
])('a tree begins with what led to %s and what came of it; siblings are folded', (current, shown) => {
  const nodes = [0, 1, 2, 1, 2, 2, 0, 0].map((depth, n) => ({ id: `e${n}`, depth }) as TreeNode);
  expect(
    aroundOf(nodes, current)
      .map(({ id }) => id)
      .join(' '),
  ).toBe(shown);
});

test('effects are left out unless somebody asks for them, or for what belongs together', () => {
  expect(['effect.succeeded', 'effect.failed', 'effects.x', 'stream.started'].map((type) => isOfEffect({ type }))).toEqual([true, true, false, false]);
  expect([{}, { type: 'stream.started' }, { where: 'true' }].map(asksForEffects)).toEqual([false, false, false]);
  expect([{ type: 'a.b, effect.failed' }, { correlationId: 'c' }, { subject: 's' }].map(asksForEffects)).toEqual([true, true, true]);
});

test('what is erased is told apart from what is masked', () => {
  const gone = `erased:${'k'.repeat(22)}:2026-09-21T14:13:20.123Z`;
  const data = { viewer: gone, address: '***', note: 'erased:yesterday', people: [{ name: gone }, { name: gone }], none: null };
  const names = ['viewer', 'address', 'note', 'people.*.name', 'none', 'missing.name'];
  expect(personalStand(data, names)).toEqual({ erased: ['viewer', 'people.*.name'], masked: ['address', 'note', 'none', 'missing.name'] });
  expect(personalStand({ people: [{ name: gone }, { name: '***' }] }, ['people.*.name']).erased).toEqual([]);
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
