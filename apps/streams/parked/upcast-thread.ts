import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../streams.errors.ts';
import type { UpcastOrder, UpcastOutcome } from './upcast.main.ts';

const main = new URL('./upcast.main.js', import.meta.url);

/** What an operator's upcaster makes of data, in a thread of its own: one without an end is ended, ms. */
export async function upcastWithin(order: UpcastOrder, limitMs: number): Promise<UpcastOutcome> {
  const worker = new Worker(main, { workerData: order });
  const timer = new AbortController();
  const ended = once(worker, 'exit', { signal: timer.signal }).then(() => ({ problem: 'it ended its thread' }));
  const said = once(worker, 'message', { signal: timer.signal }).then(([outcome]) => outcome as UpcastOutcome);
  const late = AbortSignal.timeout(limitMs);
  const tooLate = once(late, 'abort', { signal: timer.signal }).then(() => ({ problem: `it has not come to an end within ${limitMs / 1000} s` }));
  try {
    return await Promise.race([said, tooLate, ended]);
  } catch (error) {
    return { problem: messageOf(error) };
  } finally {
    timer.abort();
    for (const one of [ended, said, tooLate]) one.catch(() => undefined);
    await worker.terminate();
  }
}
