/** Names something to be done; what it is, the owner of the id knows. */
export interface Job {
  /** Which workers take it, kebab-case. */
  readonly kind: string;
  /** Letters, digits and "-". Of one kind and id there is one job at a time. */
  readonly id: string;
}

export interface JobWorkerInit {
  readonly kind: string;
  /** Jobs under way at once in this worker. */
  readonly concurrency: number;
}

/** Does a job. Whatever it throws, the job is gone afterwards: who still needs it adds it again. */
export type JobHandler = (id: string) => Promise<void>;

export interface JobWorker {
  /** True while it takes jobs; false once it has ended by itself. */
  readonly alive: boolean;
  /** Takes no more jobs and waits for those under way. */
  stop(): Promise<void>;
}

/**
 * Hands jobs to workers of any process, each to one at a time and at least once: a job whose worker died is handed to
 * another after a while. It is derived data: it may lose everything, and whoever keeps the truth adds what is missing.
 * Errors: `JOBS_UNAVAILABLE` (retryable).
 */
export abstract class JobQueue {
  /** Adds jobs. One that waits or is under way already stays as it is. */
  abstract add(jobs: readonly Job[]): Promise<void>;
  /** Begins to take jobs of a kind, and goes on by itself when the engine was away. */
  abstract work(init: JobWorkerInit, handle: JobHandler): Promise<JobWorker>;
  /** Jobs of a kind that wait or are under way. */
  abstract depth(kind: string): Promise<number>;
  /** Closes what is open; workers are stopped before. */
  abstract close(): Promise<void>;
}
