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

const firstMs = 100;
const mostMs = 10_000;

/**
 * How long to wait after so many failures: doubling, less up to half by chance, so that many clients do not come back in
 * step. What the other side asks for is waited at least, and a little more for the same reason.
 */
export function retryWaitMs(failures: number, retryAfterMs: number | undefined): number {
  if (retryAfterMs !== undefined) return retryAfterMs * (1 + Math.random() / 4);
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures, 20)) * (0.5 + Math.random() / 2);
}
