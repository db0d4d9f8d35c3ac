import { describe, expect, test } from '@jest/globals';
import { Prng } from '#kernel';
import fc from 'fast-check';
import { adviseScale, noAdvice, scaleRules, type ScaleState } from './scale.policy.ts';

const stepMs = 5000;

interface Told {
  readonly atMs: number;
  readonly desired: number;
}

/** A region over time: what there is to do, in edges, and edges that follow the advice after a while or never. */
function run(
  demand: (atMs: number) => number,
  { edges, follows, untilMs }: { readonly edges: number; readonly follows: boolean; readonly untilMs: number },
): Told[] {
  let state: ScaleState = noAdvice;
  const told: Told[] = [];
  let current = edges;
  for (let atMs = 0; atMs <= untilMs; atMs += stepMs) {
    const due = told.findLast((one) => atMs - one.atMs >= 30_000);
    if (follows && due !== undefined) current = due.desired;
    const step = adviseScale(state, { nowMs: 1_790_000_000_000 + atMs, current, load: current === 0 ? null : demand(atMs) / current }, scaleRules);
    state = step.state;
    if (step.advice !== undefined) told.push({ atMs, desired: step.advice.desired });
  }
  return told;
}

describe('how many edges a region should have', () => {
  const hour = 3_600_000;
  test.each<[string, (atMs: number) => number, readonly number[]]>([
    ['as many as there are', () => 1.2, []],
    ['a peak of twenty seconds is none', (atMs) => (atMs > 60_000 && atMs < 80_000 ? 5 : 1.2), []],
    ['more, once it lasts', (atMs) => (atMs > 60_000 ? 3 : 1.2), [5]],
    ['fewer, once five minutes were quiet', (atMs) => (atMs < 600_000 ? 1.2 : 0.3), [1]],
    ['a pause of three minutes gives none back', (atMs) => (atMs > 600_000 && atMs < 780_000 ? 0.1 : 1.2), []],
  ])('%s', (_what, demand, desired) => expect(run(demand, { edges: 2, follows: true, untilMs: hour }).map((one) => one.desired)).toEqual(desired));

  test('what nobody follows is told once', () => {
    expect(run(() => 3, { edges: 2, follows: false, untilMs: hour })).toEqual([{ atMs: 30_000, desired: 5 }]);
  });

  test('a region without edges should have one, at least', () => {
    expect(adviseScale({ ...noAdvice, desired: 0, wanted: [{ atMs: 0, edges: 1 }] }, { nowMs: 400_000, current: 0, load: null }, scaleRules).advice).toEqual({
      desired: 1,
      reason: 'no edge takes clients',
    });
  });

  // Whatever the phase of the swing and the noise on it, edges that follow are not sent to and fro.
  test('load that swings around a bound moves nothing to and fro', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 20, max: 280 }), (seed, periodS) => {
        const dice = new Prng(seed);
        const demand = (atMs: number): number => 1.8 + 0.5 * Math.sin((2 * Math.PI * atMs) / (periodS * 1000)) + (dice.next() - 0.5) * 0.2;
        const told = run(demand, { edges: 3, follows: true, untilMs: 2 * hour });
        const turns = told.filter((one, at) => at > 1 && Math.sign(one.desired - (told[at - 1] as Told).desired) !== Math.sign((told[at - 1] as Told).desired - (told[at - 2] as Told).desired)); // prettier-ignore
        expect(turns.length).toBeLessThanOrEqual(1);
        expect(told.length).toBeLessThanOrEqual(4);
      }),
      { numRuns: 50 },
    );
  });

  test('a day with its evening is followed up and down, without more than one turn', () => {
    const told = run((atMs) => 1 + 4 * Math.max(0, Math.sin((Math.PI * atMs) / (8 * hour))), { edges: 2, follows: true, untilMs: 8 * hour });
    const top = Math.max(...told.map(({ desired }) => desired));
    expect(top).toBeGreaterThanOrEqual(8);
    const peak = told.findIndex(({ desired }) => desired === top);
    expect(told.slice(0, peak + 1).map(({ desired }) => desired)).toEqual(told.slice(0, peak + 1).map(({ desired }) => desired).toSorted((a, b) => a - b)); // prettier-ignore
    expect(told.slice(peak).map(({ desired }) => desired)).toEqual(told.slice(peak).map(({ desired }) => desired).toSorted((a, b) => b - a)); // prettier-ignore
    expect(told.at(-1)?.desired).toBeLessThan(top);
  });
});
