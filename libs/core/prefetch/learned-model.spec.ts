import { describe, expect, test } from '@jest/globals';
import { Prng } from '#kernel';
import fc from 'fast-check';
import { Bursts } from './bursts.core.ts';
import { FadingCounts } from './fading-counts.core.ts';
import { judgeModel, publishRules, tryModel } from './model-trial.core.ts';
import { decodeModel, encodeModel } from './transition-model.codec.ts';
import { modelRules, TransitionLearner, type Access } from './transition-learner.core.ts';
import { everybody, likelyAfter, transitionsIn, type Likely, type TransitionModel } from './transition-model.ts';

const hourMs = 3_600_000;
const startMs = 1_790_000_000_000;
const limits = { halfLifeMs: 6 * hourMs, pairsMax: 10_000, clientsMax: 1000 };

const access = (more: Partial<Access>): Access => ({
  ...{ atMs: startMs, client: 'c', region: 'eu', agent: 'firefox', path: '/', rate: 1, cached: true },
  ...more,
});

/** A page and what is on it; each visitor alone, one after the other. */
function visits(learner: Pick<TransitionLearner, 'learn'>, pages: readonly (readonly string[])[], more: Partial<Access> = {}, fromMs = startMs): void {
  for (const [at, paths] of pages.entries())
    for (const [place, path] of paths.entries())
      learner.learn(access({ client: `c${fromMs}-${at}`, path, atMs: fromMs + at * 60_000 + place * 100, cached: place > 0, ...more }));
}

const times = <One>(count: number, one: One): One[] => Array.from({ length: count }, () => one);
const shares = (likely: readonly Likely[]): Record<string, number> =>
  Object.fromEntries(likely.map(({ path, share }) => [path, Math.round(share * 100) / 100]));
const after = (model: TransitionModel, path: string, audience: string = everybody): Record<string, number> => shares(likelyAfter(model, audience, path));

describe('what fades', () => {
  test('counts half after a half-life, in whatever order it came', () => {
    const counts = () => new FadingCounts({ halfLifeMs: hourMs, keysMax: 10 });
    const [one, other] = [counts(), counts()];
    one.add('a', 4, startMs);
    one.add('a', 1, startMs + hourMs);
    other.add('a', 1, startMs + hourMs);
    other.add('a', 4, startMs);
    expect(one.get('a', startMs + hourMs)).toEqual({ weight: 3, seen: 2 });
    expect(other.get('a', startMs + hourMs).weight).toBeCloseTo(3);
    expect(one.get('b', startMs)).toEqual({ weight: 0, seen: 0 });
  });

  test('goes on after any time, and what is from long before counts as nothing', () => {
    const counts = new FadingCounts({ halfLifeMs: 1000, keysMax: 10 });
    counts.add('old', 1e6, startMs);
    counts.add('new', 1, startMs + 5_000_000);
    expect(counts.get('new', startMs + 5_000_000).weight).toBe(1);
    expect(counts.get('old', startMs + 5_000_000).weight).toBe(0);
    counts.add('new', 1e9, startMs);
    expect(counts.get('new', startMs + 5_000_000).weight).toBe(1);
  });

  test('of too many keys the heaviest stay, and none is ever told as more than it was', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 9 })), { maxLength: 300 }), (added) => {
        const counts = new FadingCounts({ halfLifeMs: hourMs, keysMax: 8 });
        const right = new Map<string, number>();
        for (const [key, weight] of [...added, ...times(20, [100, 50] as const)]) {
          counts.add(String(key), weight, startMs);
          right.set(String(key), (right.get(String(key)) ?? 0) + weight);
          expect(counts.size).toBeLessThanOrEqual(10);
        }
        for (const [key, { weight }] of counts.entries(startMs)) expect(weight).toBeLessThanOrEqual(right.get(key) as number);
        expect(counts.get('100', startMs).weight).toBe(1000);
      }),
    );
  });
});

describe('bursts', () => {
  test('a page, what is on it, the page after it; what comes much later follows nothing', () => {
    const bursts = new Bursts(10);
    const heads = (path: string, atMs: number, client = 'c') => bursts.next(client, path, startMs + atMs, 1).map((head) => head.path);
    expect(heads('/a', 0)).toEqual([]);
    expect(heads('/a.css', 200)).toEqual(['/a']);
    expect(heads('/other', 210, 'somebody else')).toEqual([]);
    expect(heads('/a.js', 400)).toEqual(['/a']);
    expect(heads('/a.css', 500)).toEqual([]);
    expect(heads('/b', 9000)).toEqual(['/a']);
    expect(heads('/b.css', 9100)).toEqual(['/a', '/b']);
    expect(heads('/c', 60_000)).toEqual([]);
  });

  test('remembers as many clients as it may, the last ones', () => {
    const bursts = new Bursts(2);
    for (const client of ['a', 'b', 'a', 'c']) bursts.next(client, '/', startMs, 1);
    expect(bursts.clients).toBe(2);
    expect(bursts.next('a', '/x', startMs, 1)).toHaveLength(1);
    expect(bursts.next('b', '/x', startMs, 1)).toHaveLength(0);
  });
});

describe('the learner', () => {
  test('knows what is on a page and which page is next, as shares of those who saw it', () => {
    const learner = new TransitionLearner(limits);
    visits(learner, [...times(8, ['/a', '/a.css', '/a.js']), ...times(2, ['/a', '/a.css'])]);
    const model = learner.model(modelRules);
    expect(after(model, '/a')).toEqual({ '/a.css': 1, '/a.js': 0.8 });
    expect(after(model, '/a.css')).toEqual({});
    expect(model.trainedAtMs).toBe(startMs + 9 * 60_000 + 100);
  });

  test('nothing of what came too seldom, of too few, or of what no cache may keep', () => {
    const learner = new TransitionLearner(limits);
    visits(learner, times(3, ['/seldom', '/seldom.css']));
    visits(learner, [...times(30, ['/many']), ...times(5, ['/many', '/many.css'])], {}, startMs + hourMs);
    visits(learner, times(20, ['/own', '/basket']), { cached: false }, startMs + 2 * hourMs);
    expect(transitionsIn(learner.model(modelRules))).toBe(0);
  });

  test('forgets what was, when it is not so any more', () => {
    const learner = new TransitionLearner(limits);
    visits(learner, times(100, ['/a', '/v1.css']));
    visits(learner, times(100, ['/a', '/v2.css']), {}, startMs + 24 * hourMs);
    expect(Object.keys(after(learner.model(modelRules), '/a'))).toEqual(['/v2.css']);
  });

  test('tells audiences apart where they differ, and has one row for all where they do not', () => {
    const learner = new TransitionLearner(limits);
    visits(learner, times(60, ['/a', '/a.css', '/a.webp']));
    visits(learner, times(60, ['/a', '/a.css', '/a.jpg']), { agent: 'tv', region: 'us' }, startMs + hourMs);
    visits(learner, times(60, ['/b', '/b.css']), { agent: 'tv', region: 'us' }, startMs + 2 * hourMs);
    const model = learner.model(modelRules);
    expect(Object.keys(after(model, '/a', 'eu/firefox'))).toEqual(['/a.css', '/a.webp']);
    expect(Object.keys(after(model, '/a', 'us/tv'))).toEqual(['/a.css', '/a.jpg']);
    expect(Object.keys(after(model, '/a', 'us/android')).length).toBe(3);
    expect([...model.rows.keys()].toSorted()).toEqual(['', 'eu/firefox', 'us/tv']);
    expect([...(model.rows.get('us/tv') ?? []).keys()]).toEqual(['/a']);
  });

  test.each([1, 0.5, 0.25])('comes to the same shares where requests are told by a sample of %d', (rate) => {
    const dice = new Prng(7);
    const learner = new TransitionLearner(limits);
    for (let visit = 0; visit < 4000; visit++) {
      const paths = ['/a', '/a.css', ...(dice.next() < 0.6 ? ['/a.js'] : [])];
      for (const [place, path] of paths.entries())
        if (dice.next() < rate) learner.learn(access({ client: `c${visit}`, path, atMs: startMs + visit * 10 + place, rate }));
    }
    const found = after(learner.model(modelRules), '/a');
    expect(Math.abs((found['/a.css'] as number) - 1)).toBeLessThan(0.08);
    expect(Math.abs((found['/a.js'] as number) - 0.6)).toBeLessThan(0.08);
  });

  test('keeps within its bytes, with what foresees most', () => {
    const learner = new TransitionLearner({ ...limits, pairsMax: 50_000 });
    for (let page = 0; page < 400; page++) visits(learner, times(page === 123 ? 50 : 5, [`/page-${page}`, `/page-${page}.css`]), {}, startMs + page * 1000);
    const small = learner.model({ ...modelRules, bytesMax: 2000 });
    expect(encodeModel(small).length).toBeLessThanOrEqual(2000);
    expect(transitionsIn(small)).toBeGreaterThan(50);
    expect(Object.keys(after(small, '/page-123'))).toEqual(['/page-123.css']);
    expect(encodeModel(learner.model(modelRules)).length).toBeGreaterThan(2000);
  });

  test('is bounded by pairs, whatever comes', () => {
    const learner = new TransitionLearner({ ...limits, pairsMax: 100 });
    const dice = new Prng(1);
    for (let at = 0; at < 5000; at++) learner.learn(access({ client: `c${at % 50}`, path: `/${dice.nextUint32()}`, atMs: startMs + at }));
    expect(learner.pairs).toBeLessThanOrEqual(125);
  });
});

const anyModel = fc
  .dictionary(
    fc.constantFrom('', 'eu/firefox', 'us/tv'),
    fc.dictionary(
      fc.webPath().map((path) => `/${path}`),
      fc.array(fc.record({ path: fc.webPath().map((path) => `/${path}é`), share: fc.integer({ min: 1, max: 255 }).map((share) => share / 255) }), {
        maxLength: 5,
      }),
      { maxKeys: 8 },
    ),
  )
  .map((rows) => ({ trainedAtMs: startMs, rows: new Map(Object.entries(rows).map(([audience, row]) => [audience, new Map(Object.entries(row))])) }));

describe('the codec', () => {
  test('what is read is what was written, and the same model has the same bytes', () => {
    fc.assert(
      fc.property(anyModel, (model) => {
        const bytes = encodeModel(model);
        expect(decodeModel(bytes)).toEqual(model);
        const turned = new Map([...model.rows].reverse().map(([audience, row]) => [audience, new Map([...row].reverse())]));
        expect(encodeModel({ ...model, rows: turned })).toEqual(bytes);
      }),
    );
  });

  test('audiences of others are left out', () => {
    const row = new Map([['/a', [{ path: '/b', share: 1 }]]]);
    const rows = new Map([...['', 'eu/tv', 'us/tv'].map((audience) => [audience, row] as const)]);
    const read = decodeModel(encodeModel({ trainedAtMs: 1, rows }), (audience) => audience === '' || audience.startsWith('eu/'));
    expect([...(read?.rows.keys() ?? [])]).toEqual(['', 'eu/tv']);
  });

  test('whatever bytes come, the answer is a model or none', () => {
    const good = encodeModel({ trainedAtMs: 1, rows: new Map([['', new Map([['/a', [{ path: '/b', share: 0.5 }]]])]]) });
    for (let end = 0; end < good.length; end++) expect(decodeModel(good.subarray(0, end))).toBeUndefined();
    expect(decodeModel(Uint8Array.of(...good, 0))).toBeUndefined();
    expect(decodeModel(Uint8Array.from(good, (byte, at) => (at === 4 ? 2 : byte)))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => void decodeModel(Uint8Array.of(...good.subarray(0, 5), ...tail))));
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), (at, value) => {
        const read = decodeModel(Uint8Array.from(good, (byte, place) => (place === at ? value : byte)));
        for (const rows of read?.rows.values() ?? []) for (const path of rows.keys()) expect(path.startsWith('/')).toBe(true);
      }),
    );
  });

  test('a few bytes do not stand for millions of rows', () => {
    const head = [0x53, 0x50, 0x46, 0x4d, 1, 1];
    expect(decodeModel(Uint8Array.of(...head, 0xff, 0xff, 0xff, 0x7f))).toBeUndefined();
    expect(decodeModel(Uint8Array.of(...head, 0, 0xff, 0xff, 0xff, 0x7f))).toBeUndefined();
    expect(decodeModel(new Uint8Array(1_048_577).fill(0x53))).toBeUndefined();
  });
});

describe('the trial', () => {
  const model: TransitionModel = {
    trainedAtMs: 1,
    rows: new Map([
      [
        '',
        new Map([
          [
            '/a',
            [
              { path: '/a.css', share: 1 },
              { path: '/x', share: 0.5 },
            ],
          ],
        ]),
      ],
    ]),
  };
  const visit = (client: string, paths: readonly string[], more: Partial<Access> = {}) =>
    paths.map((path, at) => access({ client, path, atMs: startMs + at * 100, ...more }));

  test('counts what was asked for of what was foreseen, once for each client', () => {
    const outcome = tryModel(model, [...visit('one', ['/a', '/a.css', '/b']), ...visit('other', ['/a', '/a'])]);
    expect(outcome).toEqual({ foreseen: 4, precision: 0.25, coverage: 0.2 });
    expect(tryModel(model, [])).toEqual({ foreseen: 0, precision: undefined, coverage: undefined });
  });

  test('what comes too late was foreseen wrongly', () => {
    const late = [access({ path: '/a' }), access({ path: '/a.css', atMs: startMs + 31_000 })];
    expect(tryModel(model, late).precision).toBe(0);
  });

  const good = { foreseen: 100, precision: 0.8, coverage: 0.5 };
  const bad = { foreseen: 100, precision: 0.2, coverage: 0.5 };
  const few = { foreseen: 10, precision: 1, coverage: 0.5 };
  const now = (outcome: typeof good, ageMs = 0, isEmpty = false) => ({ outcome, ageMs, isEmpty });
  test.each([
    ['a good first one', good, undefined, 'publish'],
    ['a bad first one', bad, undefined, 'keep'],
    ['one of which too little is known', few, undefined, 'keep'],
    ['one that is no better', good, now(good), 'keep'],
    ['one that is no better, when the other is old', good, now(good, publishRules.ageMaxMs), 'publish'],
    ['one that is worse, when the other is old', { ...good, coverage: 0.3 }, now(good, publishRules.ageMaxMs), 'keep'],
    ['one that foresees more', { ...good, coverage: 0.6 }, now(good), 'publish'],
    ['a good one after one that got bad', { ...good, coverage: 0.1 }, now(bad), 'publish'],
    ['when both are bad', bad, now(bad), 'withdraw'],
    ['after one that was withdrawn', bad, now(few, 0, true), 'keep'],
    ['a good one after one that was withdrawn', good, now(few, 0, true), 'publish'],
  ] as const)('%s', (_name, fresh, current, verdict) => {
    expect(judgeModel(fresh, current, publishRules)).toBe(verdict);
  });
});
