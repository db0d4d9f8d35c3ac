import { describe, expect, test } from '@jest/globals';
import { eventLine } from './event.commands.ts';
import { stateOf } from './key.commands.ts';
import { scopeList, words } from './program-parts.ts';
import { differenceLines, progressLine } from './replay-text.ts';
import { duration, table } from './table.ts';

describe('the output for people', () => {
  test('has columns', () => {
    expect(
      table(
        ['ID', 'NAME'],
        [
          ['st-1234', 'a'],
          ['b', 'c d'],
        ],
      ),
    ).toEqual(['ID       NAME', 'st-1234  a', 'b        c d']);
  });

  test.each([
    [999, '1 s'],
    [59_000, '59 s'],
    [187_000, '3 min 07 s'],
    [3_720_000, '1 h 02 min'],
  ])('says %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test.each([
    [null, null, 'valid'],
    ['2026-01-02T00:00:00.000Z', null, 'until 2026-01-02T00:00:00.000Z'],
    ['2026-01-01T00:00:00.000Z', null, 'expired'],
    ['2026-01-02T00:00:00.000Z', '2025-12-31T00:00:00.000Z', 'revoked'],
  ])('of a key that expires at %s and was revoked at %s is %s', (expiresAt, revokedAt, state) => {
    expect(stateOf({ expiresAt, revokedAt }, Date.parse('2026-01-01T00:00:00.000Z'))).toBe(state);
  });

  test('keeps an event on a line', () => {
    const event = { id: '1', type: 'stream.created', subject: 'st-1', time: '2026-01-01T00:00:00Z', data: { name: 'x'.repeat(1000) } };
    expect(eventLine(event)).toHaveLength('2026-01-01T00:00:00Z'.length + 2 + 24 + 2 + 24 + 2 + 161);
  });
});

describe('a list as an option', () => {
  test('is separated by commas, repeated, or both; nothing of it is lost', () => {
    expect(scopeList('view,edge', scopeList('publish'))).toEqual(['publish', 'view', 'edge']);
    expect(words('stream, cache', words('stream'))).toEqual(['stream', 'cache']);
  });

  test('refuses what is no scope, wherever it stands', () => {
    expect(() => scopeList('view,fly')).toThrow('There is no scope "fly"');
    expect(() => scopeList('fly', ['view'])).toThrow('There is no scope "fly"');
  });
});

describe('a replay for people', () => {
  const progress = { done: 480_000, total: 1_000_000, eventsPerSecond: 92_000, etaMs: 5652, skipped: 0 };
  const running = { mode: 'rebuild', projection: 'streams', status: 'running', progress } as const;

  test('shows how far it is, how fast it goes and when it will be there', () => {
    expect(progressLine(running)).toBe('rebuild of streams  [###########-------------]  48 %  480,000 of 1,000,000 events  92,000/s  6 s left');
    expect(progressLine({ ...running, progress: null, status: 'requested' })).toBe('rebuild of streams  requested');
    expect(progressLine({ ...running, status: 'ready', progress: { ...progress, done: 0, total: 0 } })).toMatch(/100 % .* ready$/);
    expect(progressLine({ ...running, progress: { ...progress, etaMs: null } })).toMatch(/running$/);
  });

  test('shows what differs by row and column, and how much more there is', () => {
    const table = {
      table: 'stream',
      serving: 10,
      rebuilt: 10,
      added: 1,
      removed: 0,
      changed: 2,
      changedColumns: { name: 2 },
      onlyServing: ['old'],
      onlyRebuilt: ['new'],
    };
    const samples = [{ kind: 'added' as const, key: { id: 'a' }, columns: { name: { serving: null, rebuilt: 'x'.repeat(80) } } }];
    const lines = differenceLines('streams', {
      ...{ equal: false, servingVersion: 1, rebuiltVersion: 2, tablesOnlyServing: ['gone'], tablesOnlyRebuilt: ['came'] },
      tables: [{ ...table, servingDigest: 'a', rebuiltDigest: 'b', samples }],
    });
    expect(lines).toEqual([
      'streams: the code (version 2) makes other rows than those that serve (version 1).',
      '  stream: 1 added, 0 removed, 2 changed  (10 rows serve, 10 rebuilt; digest b)',
      '    changed columns: name 2',
      '    no longer there: old',
      '    new: new',
      '    + id=a',
      `        name: null → "${'x'.repeat(58)}…`,
      '    … and 2 more',
      '  gone: no longer there',
      '  came: new',
    ]);
  });
});
