import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy, translated } from './sqlite-errors.ts';

/** How long to try while other processes are in the way, ms, before `LOG_UNAVAILABLE`. */
const busyMsMax = 15_000;

/**
 * Runs synchronous work on the file, again and again while another process holds what it needs. Waiting is done here,
 * without blocking the event loop, and not in SQLite, which would sleep in it.
 */
export async function retryWhileBusy<T>(path: string, work: () => T): Promise<T> {
  const deadline = performance.now() + busyMsMax;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw translated(error, path);
    }
    await sleep(1 + Math.random() * 3);
  }
}
