/** A wait is ended after this at the latest, and begun again by who wants more: timers cannot count beyond 2^31. */
const waitMsMax = 60_000;

/** Those who wait for something to be written. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Resolves when woken, aborted, or after `ms`. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(ms, waitMsMax));
      this.#waiting.add(finish);
      signal?.addEventListener('abort', finish);
      if (signal?.aborted) finish();
    });
  }

  wake(): void {
    for (const finish of [...this.#waiting]) finish();
  }
}
