import type { Freshness } from './stored-response.ts';

/** Whether the edge knows of every purge up to now. */
export interface Trust {
  /** False while the log of purges is out of reach for longer than it may be. */
  readonly purgesKnown: boolean;
  /** While purges are not known: how long the origin's own word counts, ms. */
  readonly doubtFreshMs: number;
}

export type Reuse = 'fresh' | 'stale-while-revalidate' | 'must-validate';

/**
 * What a stored response is good for (RFC 9111 section 4). While purges are not known it is only good for as long as
 * the origin's last word can be taken for the present, whatever lifetime it was given: a purge nobody here has seen may
 * forbid it. Then nothing stale is served at all.
 */
export function judgeReuse(freshness: Freshness, nowMs: number, trust: Trust): Reuse {
  if (!trust.purgesKnown && nowMs >= freshness.validatedAtMs + trust.doubtFreshMs) return 'must-validate';
  if (nowMs < freshness.freshUntilMs) return 'fresh';
  return trust.purgesKnown && nowMs < freshness.staleWhileRevalidateUntilMs ? 'stale-while-revalidate' : 'must-validate';
}

/** Whether it may be served although the origin failed (RFC 5861 section 4). */
export function mayServeOnError(freshness: Freshness, nowMs: number, trust: Trust): boolean {
  return trust.purgesKnown && nowMs < freshness.staleIfErrorUntilMs;
}

/** Current age in whole seconds (RFC 9111 sections 4.2.3 and 5.1). */
export function ageSeconds(freshness: Freshness, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - freshness.bornAtMs) / 1000));
}

/** Seconds of freshness left; negative when stale. */
export function ttlSeconds(freshness: Freshness, nowMs: number): number {
  return Math.floor((freshness.freshUntilMs - nowMs) / 1000);
}
