import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { spend, type RatePolicy } from './rate-limit.ts';

const policy: RatePolicy = { limit: 60, windowMs: 60_000 };

describe('spending', () => {
  test('the whole limit at once, then one a second', () => {
    const all = spend(undefined, 60, policy, 1_000);
    expect(all).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 60_000, fullAtMs: 61_000 });
    expect(spend(all.fullAtMs, 1, policy, 1_000)).toEqual({ allowed: false, remaining: 0, retryAfterMs: 1_000, resetMs: 60_000, fullAtMs: 61_000 });
    expect(spend(all.fullAtMs, 1, policy, 2_000)).toMatchObject({ allowed: true, remaining: 0 });
    expect(spend(all.fullAtMs, 1, policy, 61_000)).toMatchObject({ allowed: true, remaining: 59 });
  });

  test('more than the limit needs a full bucket, and is paid off afterwards', () => {
    const big = spend(undefined, 90, policy, 0);
    expect(big).toMatchObject({ allowed: true, remaining: 0, resetMs: 90_000 });
    expect(spend(big.fullAtMs, 1, policy, 30_999)).toMatchObject({ allowed: false, retryAfterMs: 1 });
    expect(spend(big.fullAtMs, 1, policy, 31_000)).toMatchObject({ allowed: true });
    expect(spend(big.fullAtMs, 90, policy, 31_000)).toMatchObject({ allowed: false, retryAfterMs: 59_000 });
  });

  test('in any time never more than the limit and what grew meanwhile; waiting as told is enough', () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 5_000 }), fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 60, max: 10_000 }), (calls, limit) => {
        const rule = { limit, windowMs: 60_000 };
        let [now, taken] = [0, 0];
        let fullAtMs: number | undefined;
        for (const [waitMs, cost] of calls) {
          now += waitMs;
          const decision = spend(fullAtMs, cost, rule, now);
          if (decision.allowed) taken += cost;
          else expect(spend(decision.fullAtMs, cost, rule, now + decision.retryAfterMs).allowed).toBe(true);
          fullAtMs = decision.fullAtMs;
          expect(taken).toBeLessThanOrEqual(limit + (now * limit) / 60_000 + 0.01);
          expect(decision.remaining).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});
