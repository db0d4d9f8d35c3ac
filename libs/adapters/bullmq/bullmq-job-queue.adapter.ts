import { OperatingError } from '#kernel';
import { JobQueue, type Job, type JobHandler, type JobWorker, type JobWorkerInit } from '#ports';
import type { Backend, QueuePart } from './backends.ts';

export interface JobTimes {
  /** How long a job of a worker that died stays with it, ms; 10,000 by default. */
  readonly lockMs?: number;
  /** How often such jobs are looked for, ms; 3,000 by default. */
  readonly stalledMs?: number;
}

/** How often a job may lose its worker: whoever keeps the truth counts, not the queue. */
const lossesMax = 1_000_000;
const retryMs = 500;

/**
 * Jobs in BullMQ: one queue per kind, jobs without data. A job that was done is removed at once, so that its id is free; a
 * job that failed too, for whether it comes again is not the queue's to know.
 */
export class BullmqJobQueue extends JobQueue {
  readonly #backend: Backend;
  readonly #times: Required<JobTimes>;
  readonly #queues = new Map<string, QueuePart>();

  constructor(backend: Backend, { lockMs = 10_000, stalledMs = 3000 }: JobTimes = {}) {
    super();
    this.#backend = backend;
    this.#times = { lockMs, stalledMs };
  }

  override async add(jobs: readonly Job[]): Promise<void> {
    const kinds = new Set(jobs.map(({ kind }) => kind));
    await Promise.all(
      [...kinds].map((kind) => {
        const opts = (jobId: string): object => ({ jobId, removeOnComplete: true, removeOnFail: true });
        const bulk = jobs.filter((job) => job.kind === kind).map(({ id }) => ({ name: kind, data: {}, opts: opts(id) }));
        return reached(this.#queue(kind).addBulk(bulk));
      }),
    );
  }

  override async work({ kind, concurrency }: JobWorkerInit, handle: JobHandler): Promise<JobWorker> {
    const { lockMs, stalledMs } = this.#times;
    const worker = this.#backend.worker(kind, (job) => handle(job.id ?? ''), {
      concurrency,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
      maxStalledCount: lossesMax,
      runRetryDelay: retryMs,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    // The worker goes on by itself; what fails for good shows in the ages of what waits.
    worker.on('error', () => undefined);
    return {
      get alive() {
        return worker.isRunning();
      },
      stop: () => worker.close(),
    };
  }

  override async depth(kind: string): Promise<number> {
    const counts = await reached(this.#queue(kind).getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'paused'));
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  override async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    await this.#backend.close();
  }

  #queue(kind: string): QueuePart {
    const known = this.#queues.get(kind);
    if (known !== undefined) return known;
    const queue = this.#backend.queue(kind);
    queue.on('error', () => undefined);
    this.#queues.set(kind, queue);
    return queue;
  }
}

/** The longest that an answer is waited for, ms: whoever adds has more to do. */
const answerMsMax = 12_000;

async function reached<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${answerMsMax} ms`)), answerMsMax);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new OperatingError(`The queue of jobs cannot be reached: ${why.replace(/\.$/, '')}.`, { code: 'JOBS_UNAVAILABLE', retryable: true });
  } finally {
    clearTimeout(timer);
  }
}
