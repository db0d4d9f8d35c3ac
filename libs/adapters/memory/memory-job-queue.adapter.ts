import { JobQueue, type Job, type JobHandler, type JobWorker, type JobWorkerInit } from '#ports';

interface Work {
  readonly init: JobWorkerInit;
  readonly handle: JobHandler;
  readonly active: Set<Promise<void>>;
  stopped: boolean;
}

/** Jobs of one process. */
export class MemoryJobQueue extends JobQueue {
  readonly #waiting = new Map<string, Job[]>();
  /** Those that wait and those under way, by kind and id. */
  readonly #known = new Set<string>();
  readonly #works = new Set<Work>();

  override async add(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      if (this.#known.has(`${job.kind}/${job.id}`)) continue;
      this.#known.add(`${job.kind}/${job.id}`);
      this.#waiting.set(job.kind, [...(this.#waiting.get(job.kind) ?? []), job]);
    }
    this.#hand();
  }

  override async work(init: JobWorkerInit, handle: JobHandler): Promise<JobWorker> {
    const work: Work = { init, handle, active: new Set(), stopped: false };
    this.#works.add(work);
    this.#hand();
    return {
      get alive() {
        return !work.stopped;
      },
      stop: async () => {
        work.stopped = true;
        this.#works.delete(work);
        await Promise.all(work.active);
      },
    };
  }

  override async depth(kind: string): Promise<number> {
    return [...this.#known].filter((name) => name.startsWith(`${kind}/`)).length;
  }

  /** Loses everything that waits, as a queue may. */
  flush(): void {
    for (const jobs of this.#waiting.values()) for (const job of jobs) this.#known.delete(`${job.kind}/${job.id}`);
    this.#waiting.clear();
  }

  override async close(): Promise<void> {
    this.flush();
  }

  #hand(): void {
    for (const work of this.#works) {
      const jobs = this.#waiting.get(work.init.kind) ?? [];
      while (!work.stopped && work.active.size < work.init.concurrency && jobs.length > 0) this.#begin(work, jobs.shift() as Job);
    }
  }

  #begin(work: Work, job: Job): void {
    const running = this.#run(work, job).finally(() => {
      work.active.delete(running);
      this.#known.delete(`${job.kind}/${job.id}`);
      this.#hand();
    });
    work.active.add(running);
  }

  async #run({ handle }: Work, { id }: Job): Promise<void> {
    try {
      await handle(id);
    } catch {
      // Whoever still needs it adds it again.
    }
  }
}
