/** How much somebody may do: `limit` at once after a rest, and `limit` per window in the long run. */
export interface RatePolicy {
  /** Units per window; at least 1. */
  readonly limit: number;
  /** ms */
  readonly windowMs: number;
}

export interface RateDecision {
  readonly allowed: boolean;
  /** Whole units left after this one. */
  readonly remaining: number;
  /** ms until the same would be allowed; 0 when it was. */
  readonly retryAfterMs: number;
  /** ms until all of the limit is there again. */
  readonly resetMs: number;
}

/** Times since 1970 as doubles are exact to a quarter of a microsecond. */
const roundingMs = 0.01;

/**
 * The generic cell rate algorithm (ITU-T I.371, as a leaky bucket in one number): `fullAtMs` is when the whole limit will
 * be there again. What is refused costs nothing. A cost above the limit is taken from a full bucket alone, so that no
 * batch waits for ever. The answer's `fullAtMs` is the number to keep.
 */
export function spend(
  fullAtMs: number | undefined,
  cost: number,
  { limit, windowMs }: RatePolicy,
  nowMs: number,
): RateDecision & { readonly fullAtMs: number } {
  const unitMs = windowMs / limit;
  const debtMs = Math.max(0, (fullAtMs ?? 0) - nowMs);
  const wantedMs = Math.min(cost * unitMs, windowMs);
  const overMs = debtMs + wantedMs - windowMs;
  const allowed = overMs <= roundingMs;
  const owedMs = allowed ? debtMs + cost * unitMs : debtMs;
  return {
    allowed,
    remaining: Math.max(0, Math.floor((windowMs - owedMs + roundingMs) / unitMs)),
    retryAfterMs: allowed ? 0 : Math.ceil(overMs),
    resetMs: Math.ceil(owedMs),
    fullAtMs: nowMs + owedMs,
  };
}
