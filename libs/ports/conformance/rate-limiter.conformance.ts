import { describe, expect, test } from '@jest/globals';
import type { RateLimiter } from '../rate-limiter.port.ts';
import { freshName, useSubject, type Subject, type SubjectFactory } from './subject.ts';

export interface RateLimiterSubject {
  readonly limiter: RateLimiter;
  /** The time that callers hand in. */
  now(): number;
}

const policy = { limit: 5, windowMs: 2_000 };

/** What every rate limiter promises. */
export function rateLimiterConformance(name: string, factory: SubjectFactory<RateLimiterSubject>): void {
  describe(`${name} is a rate limiter`, () => {
    const subject = useSubject(factory);
    counting(subject);
    recovering(subject);
  });
}

function counting(subject: () => Subject<RateLimiterSubject>): void {
  test('the limit at once and no more, racing or not', async () => {
    const { limiter, now } = subject().port;
    const name = freshName('rate');
    const decisions = await Promise.all(Array.from({ length: 12 }, () => limiter.take(name, 1, { limit: 5, windowMs: 600_000 }, now())));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(5);
    const [refused] = decisions.filter(({ allowed }) => !allowed);
    expect(refused).toMatchObject({ remaining: 0, retryAfterMs: expect.any(Number) });
    expect(refused?.retryAfterMs).toBeGreaterThan(100_000);
    expect(refused?.retryAfterMs).toBeLessThanOrEqual(120_000);
  });

  test('each name has a limit of its own, and each policy its size', async () => {
    const { limiter, now } = subject().port;
    const [one, other] = [freshName('rate'), freshName('rate')];
    const slow = { limit: 2, windowMs: 600_000 };
    expect(await limiter.take(one, 2, slow, now())).toMatchObject({ allowed: true, remaining: 0, retryAfterMs: 0 });
    expect(await limiter.take(one, 1, slow, now())).toMatchObject({ allowed: false });
    expect(await limiter.take(other, 1, slow, now())).toMatchObject({ allowed: true, remaining: 1 });
  });

  test('what is refused costs nothing; what costs nothing tells how it stands', async () => {
    const { limiter, now } = subject().port;
    const name = freshName('rate');
    const slow = { limit: 10, windowMs: 600_000 };
    await limiter.take(name, 6, slow, now());
    expect(await limiter.take(name, 5, slow, now())).toMatchObject({ allowed: false, remaining: 4 });
    expect(await limiter.take(name, 0, slow, now())).toMatchObject({ allowed: true, remaining: 4 });
    expect(await limiter.take(name, 4, slow, now())).toMatchObject({ allowed: true, remaining: 0 });
  });

  test('more than the limit is taken from a full one, once', async () => {
    const { limiter, now } = subject().port;
    const name = freshName('rate');
    const slow = { limit: 10, windowMs: 600_000 };
    expect(await limiter.take(name, 25, slow, now())).toMatchObject({ allowed: true, remaining: 0 });
    const again = await limiter.take(name, 1, slow, now());
    expect(again.allowed).toBe(false);
    expect(again.retryAfterMs).toBeGreaterThan(900_000);
  });
}

function recovering(subject: () => Subject<RateLimiterSubject>): void {
  test('after the time it told there is room again, and after a whole window all of it', async () => {
    const { port, elapse } = subject();
    const { limiter, now } = port;
    const name = freshName('rate');
    await limiter.take(name, 5, policy, now());
    const refused = await limiter.take(name, 1, policy, now());
    expect(refused.allowed).toBe(false);
    await elapse(refused.retryAfterMs);
    expect(await limiter.take(name, 1, policy, now())).toMatchObject({ allowed: true });
    await elapse(policy.windowMs + policy.windowMs / policy.limit);
    expect(await limiter.take(name, 5, policy, now())).toMatchObject({ allowed: true, remaining: 0, resetMs: policy.windowMs });
  });
}
