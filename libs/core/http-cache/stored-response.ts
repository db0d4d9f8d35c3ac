import type { Fields } from './fields.ts';
import type { Variant } from './vary.core.ts';

/** When a stored response may be used, ms since the Unix epoch. */
export interface Freshness {
  /** When its age was zero: now minus this is its current age (RFC 9111 section 4.2.3). */
  readonly bornAtMs: number;
  /** When the origin last said that it holds. */
  readonly validatedAtMs: number;
  /** Fresh before this (RFC 9111 section 4.2). */
  readonly freshUntilMs: number;
  /** May be served stale before this while it is revalidated in the background (RFC 5861 section 3). */
  readonly staleWhileRevalidateUntilMs: number;
  /** May be served stale before this when the origin fails (RFC 5861 section 4). */
  readonly staleIfErrorUntilMs: number;
  /** Whether a client that accepts a stale response may get it (RFC 9111 sections 4.2.4 and 5.2.1.2). */
  readonly mayBeStale: boolean;
}

/** Stale from a moment on, if it is not already: what may be done with the stale one is counted from then. */
export function staleFrom(freshness: Freshness, atMs: number): Freshness {
  const earlierMs = freshness.freshUntilMs - atMs;
  if (earlierMs <= 0) return freshness;
  return {
    ...freshness,
    freshUntilMs: atMs,
    staleWhileRevalidateUntilMs: freshness.staleWhileRevalidateUntilMs - earlierMs,
    staleIfErrorUntilMs: freshness.staleIfErrorUntilMs - earlierMs,
  };
}

/** What a conditional request can be made with. */
export interface Validators {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** Of a response that is kept in slices, each an object of its own. */
export interface Sliced {
  /** Of the whole, bytes. */
  readonly length: number;
  /** Of each slice but the last, bytes. */
  readonly sliceBytes: number;
}

/** A response as it is kept: only what travels end to end, without Age and without what this cache adds. */
export interface StoredResponse {
  readonly status: number;
  readonly fields: Fields;
  readonly validators: Validators;
  readonly freshness: Freshness;
  readonly variant: Variant;
  /** Set where the body is elsewhere, in slices. */
  readonly sliced?: Sliced | undefined;
}
