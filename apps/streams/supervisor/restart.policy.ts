/** How a supervisor answers exits, as a pure function. */
export interface RestartSettings {
  /** Before the first restart, ms. */
  readonly firstDelayMs: number;
  readonly delayMsMax: number;
  /** Each further failure in a row multiplies the delay. */
  readonly factor: number;
  /** A process that ran this long was healthy: its end is a first failure again. */
  readonly stableAfterMs: number;
}

export const restartSettings: RestartSettings = { firstDelayMs: 50, delayMsMax: 10_000, factor: 4, stableAfterMs: 5_000 };

export interface RestartState {
  /** Failures in a row. */
  readonly failures: number;
}

export const calm: RestartState = { failures: 0 };

export interface RestartDecision {
  readonly state: RestartState;
  readonly delayMs: number;
}

/** What to do after a process ended that had run for `ranMs`. */
export function afterExit(state: RestartState, ranMs: number, settings: RestartSettings = restartSettings): RestartDecision {
  const before = ranMs >= settings.stableAfterMs ? 0 : state.failures;
  // The exponent is bounded: the delay has reached its maximum long before.
  const delayMs = Math.min(settings.delayMsMax, settings.firstDelayMs * settings.factor ** Math.min(before, 20));
  return { state: { failures: before + 1 }, delayMs };
}
