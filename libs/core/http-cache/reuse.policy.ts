import type { CacheControl } from './cache-control.codec.ts';
import type { Freshness } from './stored-response.ts';

/** Whether the edge knows of every purge up to now. */
export interface Trust {
  /** False while the log of purges is out of reach for longer than it may be. */
  readonly purgesKnown: boolean;
  /** While purges are not known: how long the origin's own word counts, ms. */
  readonly doubtFreshMs: number;
  /** While purges are not known: what is done with what the origin said longer ago. `revalidate` when left out. */
  readonly inDoubt?: 'serve' | 'revalidate' | 'refuse' | undefined;
}

/** Whether something may have been purged without anybody here knowing. */
export function isDoubtful(freshness: Freshness, nowMs: number, trust: Trust): boolean {
  return !trust.purgesKnown && nowMs >= freshness.validatedAtMs + trust.doubtFreshMs;
}

/** Whether nothing is to be answered that the cache would have a part in. */
export function refusesInDoubt({ inDoubt, purgesKnown }: Trust): boolean {
  return !purgesKnown && inDoubt === 'refuse';
}

function judgesByLifetime({ inDoubt, purgesKnown }: Trust): boolean {
  return purgesKnown || inDoubt === 'serve';
}

export type Reuse = 'fresh' | 'stale-while-revalidate' | 'must-validate';

/**
 * What a stored response is good for (RFC 9111 section 4). While purges are not known it is only good for as long as
 * the origin's last word can be taken for the present, whatever lifetime it was given: a purge nobody here has seen may
 * forbid it. Then nothing stale is served at all, unless that is what whose it is prefers.
 */
export function judgeReuse(freshness: Freshness, nowMs: number, trust: Trust): Reuse {
  if (!judgesByLifetime(trust) && isDoubtful(freshness, nowMs, trust)) return 'must-validate';
  if (nowMs < freshness.freshUntilMs) return 'fresh';
  return judgesByLifetime(trust) && nowMs < freshness.staleWhileRevalidateUntilMs ? 'stale-while-revalidate' : 'must-validate';
}

/**
 * A client that asks for a newer response than the cache would give gets what the origin said within this time, ms: it
 * may make the cache ask once a second for an object, not at its own pace.
 */
const justValidatedMs = 1000;

/** Whether a usable response is also what the request's own directives ask for (RFC 9111 section 5.2.1). */
export function satisfies(control: CacheControl, freshness: Freshness, nowMs: number): boolean {
  if (nowMs < freshness.validatedAtMs + justValidatedMs) return true;
  if (control.noCache) return false;
  if (control.maxAge !== undefined && nowMs - freshness.bornAtMs > control.maxAge * 1000) return false;
  return control.minFresh === undefined || freshness.freshUntilMs - nowMs >= control.minFresh * 1000;
}

/** Whether a response that must be validated may be served because the client accepts it stale (RFC 9111 section 5.2.1.2). */
export function acceptsStale(control: CacheControl, freshness: Freshness, nowMs: number, trust: Trust): boolean {
  if (control.maxStale === undefined || control.noCache || !freshness.mayBeStale || !judgesByLifetime(trust)) return false;
  if (control.maxAge !== undefined && nowMs - freshness.bornAtMs > control.maxAge * 1000) return false;
  return nowMs - freshness.freshUntilMs <= control.maxStale * 1000;
}

/** Whether it may be served although the origin failed (RFC 5861 section 4). */
export function mayServeOnError(freshness: Freshness, nowMs: number, trust: Trust): boolean {
  return judgesByLifetime(trust) && nowMs < freshness.staleIfErrorUntilMs;
}

/** Current age in whole seconds (RFC 9111 sections 4.2.3 and 5.1). */
export function ageSeconds(freshness: Freshness, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - freshness.bornAtMs) / 1000));
}

/** Seconds of freshness left; negative when stale. */
export function ttlSeconds(freshness: Freshness, nowMs: number): number {
  return Math.floor((freshness.freshUntilMs - nowMs) / 1000);
}
