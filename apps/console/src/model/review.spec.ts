import { describe, expect, test } from '@jest/globals';
import {
  aroundOf,
  asksForEffects,
  emptyRange,
  feedPathOf,
  fetchCurl,
  isOfEffect,
  maskedAttributes,
  openRows,
  personalStand,
  publishCurl,
  publishRefusal,
  routeOf,
  searchOf,
  sideBySide,
  type EventDetail,
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

test('what is erased is told apart from what is masked, and what the event does not have from both', () => {
  const gone = `erased:${'k'.repeat(22)}:2026-09-21T14:13:20.123Z`;
  const data = { viewer: gone, address: '***', note: 'erased:yesterday', people: [{ name: gone }, { name: gone }], none: null };
  const names = ['viewer', 'address', 'note', 'people.*.name', 'none', 'missing.name'];
  expect(personalStand(data, names)).toEqual({ erased: ['viewer', 'people.*.name'], masked: ['address', 'note'] });
  expect(personalStand({ people: [{ name: gone }, { name: '***' }] }, ['people.*.name']).erased).toEqual([]);
});

test.each([
  [{ since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }, true],
  [{ since: '2026-01-01T00:00:00Z', until: '2026-01-01T00:00:00Z' }, true],
  [{ since: '2000', until: '1970-01-01T00:00:01Z' }, true],
  [{ since: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' }, false],
  [{ since: '2026-01-01T00:00:00Z' }, false],
  [{ until: '2026-01-01T00:00:00Z' }, false],
  [{ since: 'yesterday', until: '0' }, false],
])('the range of %j is empty: %s', (search, empty) => {
  expect(emptyRange(search) !== undefined).toBe(empty);
});

test('attributes that are masked are named', () => {
  expect(maskedAttributes({ actor: 'jwt:***', subject: 'st-1' })).toEqual(['actor']);
  expect(maskedAttributes({ actor: 'key:k-1', subject: 'refusals/***' })).toEqual(['subject']);
});

describe('what cannot be published again', () => {
  const may = { reveal: false, prove: false, publishAs: 'acme' };
  const of = (data: object, more: Partial<EventDetail['may']> = {}): string | undefined =>
    publishRefusal({ event: { tenant: 'acme', data } as unknown as FoundEvent, personal: ['viewer', 'people.*.name'], may: { ...may, ...more } });

  test('is what is masked, which is shown first to those who may see it', () => {
    expect(of({ viewer: '***' })).toBe('It would publish *** as viewer. Only keys with the scope admin can see what is masked.');
    expect(of({ people: [{ name: 'a' }, { name: '***' }] }, { reveal: true })).toBe('It would publish *** as people.*.name. Show what is masked first, below.');
    expect(of({ viewer: 'ada', note: '***' })).toBeUndefined();
  });

  test('is what another tenant has published', () => {
    expect(of({}, { publishAs: 'default' })).toBe('The event is of the tenant acme; your key publishes for the tenant default.');
  });
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
