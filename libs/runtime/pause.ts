import { OperatingError } from '#kernel';

/** Waits `ms`, or until the signal aborts, whichever is first. Never throws. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Doubles from `firstMs` to `mostMs` with the number of failures, less up to half by chance so that losers spread out. */
export function backOffMs(failures: number, firstMs: number, mostMs: number): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30));
  return full * (0.5 + Math.random() / 2);
}

/**
 * Waits for `work` no longer than `ms`; the work itself goes on.
 * @throws OperatingError with `code` (retryable) after `ms`.
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, code: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OperatingError(`No answer within ${ms} ms.`, { code, retryable: true })), ms);
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
