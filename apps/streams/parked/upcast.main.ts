import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../streams.errors.ts';

export interface UpcastOrder {
  /** Of a module. */
  readonly url: string;
  readonly data: unknown;
  readonly about: { readonly type: string; readonly version: number };
}

export type UpcastOutcome = { readonly data: unknown } | { readonly problem: string };

/** Runs an upcaster of an operator's: it may throw, be no JavaScript, or never end. */
async function upcast({ url, data, about }: UpcastOrder): Promise<UpcastOutcome> {
  try {
    const module = (await import(url)) as { readonly default?: unknown };
    if (typeof module.default !== 'function') return { problem: 'it must export a function as its default: (data, { type, version }) => data' };
    // What is not JSON would not be on a log either.
    return { data: JSON.parse(JSON.stringify(await (module.default as (...of: unknown[]) => unknown)(data, about)) ?? 'null') as unknown };
  } catch (error) {
    return { problem: `${error instanceof Error ? error.name : 'Error'}: ${messageOf(error)}` };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.postMessage(await upcast(workerData as UpcastOrder));
