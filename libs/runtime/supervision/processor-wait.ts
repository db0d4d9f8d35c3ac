import { readFile } from 'node:fs/promises';

/**
 * How much of its time a process stands in line for a processor: the run delay of its main thread (second field of
 * `/proc/<pid>/schedstat`, ns; Linux, Documentation/scheduler/sched-stats.rst). It tells a process that is starved, which
 * is nobody's fault, from one that is stopped or waits for something, which does not stand in line.
 */
export class ProcessorWait {
  readonly #pid: number | undefined;
  #seenAtMs = performance.now();
  #seenWaitMs = 0;

  constructor(pid: number | undefined) {
    this.#pid = pid;
  }

  /** Of the time since the question before, or since the beginning: 0 to 1. 0 where the system does not say. */
  async share(): Promise<number> {
    const waitMs = await this.#waitMs();
    const nowMs = performance.now();
    const [passedMs, waitedMs] = [nowMs - this.#seenAtMs, waitMs - this.#seenWaitMs];
    this.#seenAtMs = nowMs;
    this.#seenWaitMs = waitMs;
    return passedMs <= 0 ? 0 : Math.min(1, Math.max(0, waitedMs / passedMs));
  }

  async #waitMs(): Promise<number> {
    const text = this.#pid === undefined ? '' : await readFile(`/proc/${this.#pid}/schedstat`, 'utf8').catch(() => '');
    const waitNs = Number(text.split(' ')[1]);
    return Number.isFinite(waitNs) ? waitNs / 1e6 : this.#seenWaitMs;
  }
}
