import { homeTenantOf, type Principal } from '#domain/access';
import type { PurgeOrder } from '#domain/cache';
import type { Clock, RateLimiter } from '#ports';
import { ProblemError } from '../http/problem.errors.ts';

/** What one tenant may purge, in URLs and tags: as much as its edges surely follow. */
const unitsPerMinute = 1_200_000;
const windowMs = 60_000;
/** A pattern costs every object of every edge a look. */
const patternUnits = 1_000;

/** Keeps one tenant's purges from taking the edges from everybody else. */
export class PurgeRates {
  readonly #limiter: RateLimiter;
  readonly #clock: Clock;

  constructor(limiter: RateLimiter, clock: Clock) {
    this.#limiter = limiter;
    this.#clock = clock;
  }

  /** @throws ProblemError 429 */
  async take({ urls, selectors = [] }: PurgeOrder, principal: Principal): Promise<void> {
    const units = selectors.reduce((sum, { kind }) => sum + (kind === 'regex' ? patternUnits : 1), urls.length);
    const policy = { limit: unitsPerMinute, windowMs };
    const { allowed, retryAfterMs } = await this.#limiter.take(`purge:${homeTenantOf(principal)}`, units, policy, this.#clock.now());
    if (allowed) return;
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
    const detail = `More than ${unitsPerMinute} URLs and tags a minute (a pattern counts as ${patternUnits}). Try again in ${seconds} s.`;
    throw new ProblemError({ status: 429, code: 'rate-limited', detail, headers: { 'retry-after': String(seconds) } });
  }
}
