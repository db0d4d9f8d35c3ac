import { OperatingError } from '#kernel';
import type { Logger } from './logging.ts';
import { backOffMs, pause } from './pause.ts';

export interface UntilThereInit {
  readonly logger: Logger;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** How long what is missing may stay away, ms; 45 s by default, less than a supervisor gives an app to become ready. */
  readonly patienceMs?: number;
}

const firstPauseMs = 100;
const longestPauseMs = 3000;

/**
 * Does what an app needs before it can serve, once its engines are there: a failure that may pass is logged and tried
 * again. So the machines of a cluster may come up in any order.
 * @throws what `act` failed with last
 */
export async function untilThere<T>(act: () => Promise<T>, { logger, signal, patienceMs = 45_000 }: UntilThereInit): Promise<T> {
  const end = performance.now() + patienceMs;
  for (let failures = 0; ; failures++) {
    try {
      return await act();
    } catch (err) {
      const pauseMs = backOffMs(failures, firstPauseMs, longestPauseMs);
      if (!(err instanceof OperatingError) || !err.retryable || signal.aborted || performance.now() + pauseMs > end) throw err;
      if (failures % 5 === 0) logger.warn({ err }, `waiting for an engine: ${err.message}`);
      await pause(pauseMs, signal);
    }
  }
}
