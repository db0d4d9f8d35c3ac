import { Worker } from 'node:worker_threads';
import { OperatingError } from '#kernel';
import type { BuildPosition, PoisonedPlace } from '#ports';
import type { LeftOut, OnPoison } from '#runtime';
import { threadLimits } from './niceness.constants.ts';

/** Part of a build's partitions, for a thread of its own. */
export interface LoadOrder {
  readonly id: string;
  readonly projection: string;
  readonly epoch: bigint;
  readonly positions: readonly BuildPosition[];
  readonly ends: ReadonlyMap<string, bigint> | undefined;
  readonly partitionsMax: number;
  readonly eventsPerSecondMax: number;
  readonly onPoison: OnPoison;
  readonly leftOut: LeftOut;
}

/** What the thread says. */
export type LoadWord =
  | { readonly records: number; readonly skipped: number; readonly poisoned: readonly PoisonedPlace[] }
  | { readonly over: true }
  | { readonly failed: { readonly message: string; readonly code: string; readonly retryable: boolean } };

const main = new URL('./load.main.js', import.meta.url);

/**
 * Loads in a thread of its own up to where the log ends, or until it is told to stop.
 * @throws OperatingError what the thread failed with; `REPLAY_THREAD_LOST` (retryable) when it ended without a word.
 */
export function loadInThread(
  order: LoadOrder,
  stop: AbortSignal,
  onProgress: (records: number, skipped: number, poisoned: readonly PoisonedPlace[]) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(main, { workerData: order, resourceLimits: threadLimits });
    let failure: OperatingError | undefined = new OperatingError('A thread of a replay ended without a word.', { code: 'REPLAY_THREAD_LOST', retryable: true });
    const end = (): void => worker.postMessage('stop', []);
    if (stop.aborted) end();
    stop.addEventListener('abort', end, { once: true });
    worker.on('message', (word: LoadWord) => {
      if ('records' in word) onProgress(word.records, word.skipped, word.poisoned);
      else if ('failed' in word) failure = new OperatingError(word.failed.message, word.failed);
      else failure = undefined;
    });
    worker.once('error', (cause) => (failure = new OperatingError('A thread of a replay failed.', { code: 'REPLAY_THREAD_LOST', retryable: true, cause })));
    worker.once('exit', () => {
      stop.removeEventListener('abort', end);
      if (failure === undefined) resolve();
      else reject(failure);
    });
  });
}

/** Splits partitions so that each part has about as much to read. */
export function sharedOut<Place>(places: readonly Place[], sizeOf: (place: Place) => number, parts: number): readonly (readonly Place[])[] {
  const shares = Array.from({ length: parts }, () => ({ size: 0, places: [] as Place[] }));
  for (const place of [...places].sort((a, b) => sizeOf(b) - sizeOf(a))) {
    const least = shares.reduce((min, share) => (share.size < min.size ? share : min));
    least.places.push(place);
    least.size += sizeOf(place);
  }
  return shares.map((share) => share.places).filter((share) => share.length > 0);
}
