import { OperatingError } from '#kernel';
import { Timers } from '#ports';

class SystemTimers extends Timers {
  override after(ms: number, wake: () => void): () => void {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  }

  override chance(): number {
    return Math.random();
  }
}

/** Real time and real dice. */
export const systemTimers: Timers = new SystemTimers();

/** Waits `ms`, or until the signal aborts, whichever is first. Never throws. */
export function pause(ms: number, signal?: AbortSignal, timers = systemTimers): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      callOff();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const callOff = timers.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Doubles from `firstMs` to `mostMs` with the number of failures, less up to half by chance so that losers spread out. */
export function backOffMs(failures: number, firstMs: number, mostMs: number, timers = systemTimers): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30));
  return full * (0.5 + timers.chance() / 2);
}

/**
 * Waits for `work` no longer than `ms`; the work itself goes on.
 * @throws OperatingError with `code` (retryable) after `ms`.
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, code: string, timers = systemTimers): Promise<T> {
  let callOff: (() => void) | undefined;
  const timeout = new Promise<never>((_, reject) => {
    callOff = timers.after(ms, () => reject(new OperatingError(`No answer within ${ms} ms.`, { code, retryable: true })));
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, timeout]);
  } finally {
    callOff?.();
  }
}
