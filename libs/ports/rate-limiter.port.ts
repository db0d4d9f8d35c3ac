import type { RateDecision, RatePolicy } from './rate-limit.ts';

/** Counts what is done under a name against a policy; many processes may share the counts. */
export abstract class RateLimiter {
  /**
   * Takes `cost` units of the name's limit, or nothing when they are not there; racing callers never get more than the
   * limit. An engine may count by its own clock instead of `nowMs`. Names are forgotten once their limit is whole again.
   * @throws OperatingError (retryable) when the engine is away.
   */
  abstract take(name: string, cost: number, policy: RatePolicy, nowMs: number): Promise<RateDecision>;
}
