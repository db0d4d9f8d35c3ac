import { describe, expect, test } from '@jest/globals';
import { awaited } from './awaited.ts';
import { turnOf } from './replay.commands.ts';
import { purgeLines } from './cdn.commands.ts';
import type { CommandContext } from './context.ts';
import { eventLine } from './event.commands.ts';
import { stateOf } from './key.commands.ts';
import { age } from './log-program.ts';
import { statusLines } from './log.commands.ts';
import { scopeList, words } from './program-parts.ts';
import { regionDifference, secretsOf } from './region.commands.ts';
import { differenceLines, progressLine } from './replay-text.ts';
import { keptLines, showKeys } from './subject.commands.ts';
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

  test('does not say of a purge that it is applied while no edge is up', () => {
    expect(purgeLines({ purgeId: 'pg-1', edges: [], applied: [] })).toEqual([
      'Purge pg-1 is on the log. No edge is up: each applies it before it serves again.',
    ]);
    const applied = [{ edgeId: 'edge-1', mirroredFrom: null, objects: 3, delayMs: 12 }];
    expect(purgeLines({ purgeId: 'pg-1', edges: ['edge-1'], applied, away: [{ id: 'edge-s', mirroredFrom: 'south' }] })).toEqual([
      'Purge pg-1 is applied.',
      '  edge-1: 3 objects forgotten after 12 ms',
      '  edge-s of south: not waited for; it applies it when the region south hears of it',
    ]);
    expect(purgeLines({ purgeId: 'pg-1', edges: ['edge-1'], applied })).toEqual(['Purge pg-1 is applied.', '  edge-1: 3 objects forgotten after 12 ms']);
    expect(purgeLines({ purgeId: 'pg-1', edges: ['edge-1'], applied, dryRun: true })).toEqual([
      'Nothing is purged. pg-1 only counts:',
      '  edge-1: 3 objects would be forgotten, counted after 12 ms',
    ]);
  });

  test('keeps an event on a line', () => {
    const event = { id: '1', type: 'stream.created', subject: 'st-1', time: '2026-01-01T00:00:00Z', data: { name: 'x'.repeat(1000) } };
    expect(eventLine(event)).toHaveLength('2026-01-01T00:00:00Z'.length + 2 + 24 + 2 + 24 + 2 + 161);
  });
});

describe('a wait', () => {
  const waiting = { pollMs: 1, stillMs: 20, stands: 'It is not done' };

  test('lasts while something moves, and ends with what it waited for', async () => {
    let done = 0;
    const slow = async (): Promise<number> => (await new Promise((resolve) => setTimeout(resolve, 3)), ++done);
    expect(await awaited(waiting, slow, (view) => view === 15)).toBe(15);
  });

  test('ends when nothing moves', async () => {
    await expect(
      awaited(
        waiting,
        () => Promise.resolve('the same'),
        () => false,
      ),
    ).rejects.toThrow(/^It is not done, and nothing has moved for 0.02 s\. It goes on once a projector works on it;/);
  });

  test.each([
    ['for its turn', 'requested', ['running', 'ready', 'running'], 'it is its turn: rp-0, rp-2 are built before it (REPLAYS_MAX)'],
    ['for the one before it', 'requested', ['promoting', 'running'], 'it is its turn: rp-1 is built before it (REPLAYS_MAX)'],
    ['for a projector, where nobody builds', 'requested', ['paused', 'ready'], undefined],
    ['for a projector, where it is begun', 'running', ['running'], undefined],
  ])('says that a replay waits %s', async (_what, status, others, turn) => {
    const items = [{ id: 'rp-mine', status }, ...others.map((other, at) => ({ id: `rp-${at}`, status: other }))];
    expect(await turnOf({ api: { call: async () => ({ items }) } } as never, 'rp-mine')).toBe(turn);
    const goesOnOnce = (): Promise<string | undefined> => Promise.resolve(turn);
    const stood = awaited(
      { ...waiting, goesOnOnce },
      () => Promise.resolve(0),
      () => false,
    );
    await expect(stood).rejects.toThrow(`It goes on once ${turn ?? 'a projector works on it'}; nobody waits`);
  });
});

test('regions that are written to differ in what moves, and that is told from what stood still', () => {
  const parts = (log: string, edges: string): ReadonlyMap<string, string> =>
    new Map([
      ['stream/1', log],
      ['edge_counters 3 of 64', edges],
    ]);
  expect(regionDifference([parts('a', 'e1'), parts('a', 'e0')], [parts('a', 'e2'), parts('a', 'e1')])).toEqual({
    settled: [],
    moving: ['edge_counters 3 of 64'],
  });
  expect(regionDifference([parts('a', 'e1'), parts('b', 'e1')], [parts('a', 'e2'), parts('b', 'e2')])).toEqual({ settled: ['stream/1'], moving: [] });
  expect(regionDifference([parts('a', 'e1'), parts('b', 'e1')], [parts('b', 'e1'), parts('b', 'e1')])).toEqual({ settled: [], moving: [] });
});

test.each([
  ['a', '', 'a', '', 'same'],
  ['a', '', 'b', '', 'different'],
  ['a', 'c', 'b', 'd', 'different'],
  // What a change of secrets goes through: each knows what the other asks by, or one of them does.
  ['b', 'a', 'a', 'b', 'changing'],
  ['b', 'a', 'a', '', 'half-changed'],
  ['b', 'a', 'b', '', 'same'],
  ['a', '', null, '', 'one-without'],
  [null, '', null, '', 'none'],
  ['a', '', undefined, '', 'unknown'],
])('secrets of regions that are told as %s (and before %s) and %s (and before %s) are %s', (one, before, other, otherBefore, secrets) => {
  const mine = { secretCheck: one, formerChecks: [before] };
  const theirs = { secretCheck: other, formerChecks: [otherBefore] };
  expect([secretsOf(mine, theirs), secretsOf(theirs, mine)]).toEqual([secrets, secrets]);
});

test('erasures that wait say of which region they are, since when, and what to do', () => {
  const kept = { region: 'north', count: 1, oldestAt: '2026-11-26T10:00:00.000Z', why: 'no-secret' } as const;
  expect(keptLines([kept, { ...kept, count: 2, why: 'another-secret' }])).toEqual([
    '1 erasure of the region north waits, since 2026-11-26T10:00:00.000Z: REGION_SECRET is not set here.',
    expect.stringMatching(/^2 erasures of the region north wait, .*REGION_SECRETS_FORMER here\.$/),
  ]);
  expect(keptLines([])).toEqual([]);
});

test('counts of keys are told in the singular where there is one', async () => {
  const counts = { live: 1, erased: 1, byMasterKey: {}, masterKey: 'mk-1', unnamed: 1, kept: [] };
  let said: readonly string[] = [];
  const context = { api: { call: () => Promise.resolve(counts) }, print: (_data: unknown, lines: () => readonly string[]) => (said = lines()) };
  await showKeys(context as unknown as CommandContext);
  expect(said[0]).toBe('1 live key and 1 erased one; mk-1 wraps now.');
  expect(said.at(-1)).toMatch(/^Of an older version is 1 key: /);
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
      tables: [{ ...table, servingDigest: 'a', rebuiltDigest: 'b', samples, withheld: 1 }],
    });
    expect(lines).toEqual([
      'streams: the code (version 2) makes other rows than those that serve (version 1).',
      '  stream: 1 added, 0 removed, 2 changed  (10 rows serve, 10 rebuilt; digest b)',
      '    changed columns: name 2',
      '    no longer there: old',
      '    new: new',
      '    + id=a',
      `        name: null → "${'x'.repeat(58)}…`,
      '    1 of the first rows are not for this key: it is of one tenant',
      '    … and 1 more',
      '  gone: no longer there',
      '  came: new',
    ]);
  });
});

describe('streams log', () => {
  test.each([
    ['30d', 2_592_000_000],
    ['1.5h', 5_400_000],
    ['90m', 5_400_000],
    ['10s', 10_000],
  ])('takes the age %s', (text, ms) => {
    expect(age(text)).toBe(ms);
  });

  test.each(['30', 'd', '-1d', '1 d', '1y'])('refuses the age %s', (text) => {
    expect(() => age(text)).toThrow('It must be an age');
  });

  test('shows what lies where, and why sealing does not go on', () => {
    const at = new Date(1_700_000_000_000).toISOString();
    const place = {
      first: '0',
      hotFirst: '50',
      end: '80',
      sealedEnd: '50',
      segments: 2,
      sealedRecords: 50,
      sealedBytes: 2_000_000,
      rawBytes: 15_000_000,
      old: null,
    };
    const problem = { code: 'LOG_HOLE', message: 'lost', at };
    expect(statusLines([{ topic: 'stream', partition: 3, ...place, firstAt: at, sealedUntil: at, problem }], 1_700_000_060_000)).toEqual([
      'PARTITION  IN THE ENGINE  SEALED  SEGMENTS  MB   RATIO  SEALED UNTIL',
      'stream/3   50 – 80        0 – 50  2         2.0  7.5 ×  1 min 00 s ago',
      '✗ stream/3: lost',
    ]);
    expect(statusLines([], 0)).toEqual(['The log holds nothing yet.']);
  });
});
