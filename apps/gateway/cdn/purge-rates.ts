import { homeTenantOf, type Principal } from '#domain/access';
import type { PurgeOrder } from '#domain/cache';
import type { Clock, RateLimiter } from '#ports';
import { ProblemError } from '../http/problem.errors.ts';

/** What one tenant may purge, in URLs and tags: as much as its edges surely follow. */
const unitsPerMinute = 1_200_000;
const windowMs = 60_000;
const warmUnitsPerMinute = 60_000;
/** `PURGE` of one zone by its origins' addresses: a site that changes whole asks for everything, not for each page. */
const originCallsPerMinute = 3_000;
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

  /** What one tenant may have fetched, in URLs; a sitemap counts as many. @throws ProblemError 429 */
  async takeWarm(units: number, principal: Principal): Promise<void> {
    const policy = { limit: warmUnitsPerMinute, windowMs };
    const { allowed, retryAfterMs } = await this.#limiter.take(`warm:${homeTenantOf(principal)}`, units, policy, this.#clock.now());
    if (!allowed) throw tooMany(`More than ${warmUnitsPerMinute} URLs a minute (a sitemap counts as 1000).`, retryAfterMs);
  }

  /** What addresses that a zone names ask for, in calls. @throws ProblemError 429 */
  async takeOrigin(zoneId: string): Promise<void> {
    const policy = { limit: originCallsPerMinute, windowMs };
    const { allowed, retryAfterMs } = await this.#limiter.take(`origin-purge:${zoneId}`, 1, policy, this.#clock.now());
    if (!allowed) throw tooMany(`More than ${originCallsPerMinute} PURGE a minute by the origins of this zone.`, retryAfterMs);
  }

  /** @throws ProblemError 429 */
  async take({ urls, selectors = [] }: PurgeOrder, principal: Principal): Promise<void> {
    const units = selectors.reduce((sum, { kind }) => sum + (kind === 'regex' ? patternUnits : 1), urls.length);
    const policy = { limit: unitsPerMinute, windowMs };
    const { allowed, retryAfterMs } = await this.#limiter.take(`purge:${homeTenantOf(principal)}`, units, policy, this.#clock.now());
    if (!allowed) throw tooMany(`More than ${unitsPerMinute} URLs and tags a minute (a pattern counts as ${patternUnits}).`, retryAfterMs);
  }
}

function tooMany(detail: string, retryAfterMs: number): ProblemError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new ProblemError({ status: 429, code: 'rate-limited', detail: `${detail} Try again in ${seconds} s.`, headers: { 'retry-after': String(seconds) } });
}
