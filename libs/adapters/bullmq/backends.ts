import { Queue, withBackend, Worker, type Job, type WorkerOptions } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import { createSteadyBackend, SteadyClient } from './steady-backend.ts';

/** What the adapter needs of a queue of BullMQ, whatever it stands on. */
export interface QueuePart {
  addBulk(jobs: ReadonlyArray<{ name: string; data: object; opts: object }>): Promise<unknown>;
  getJobCounts(...states: string[]): Promise<Record<string, number>>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

export interface WorkerPart {
  on(event: 'error', listener: (error: Error) => void): unknown;
  isRunning(): boolean;
  close(): Promise<void>;
}

export type WorkerSettings = Omit<WorkerOptions<never>, 'connection'>;
export type Work = (job: Pick<Job, 'id'>) => Promise<void>;

/** A backend of BullMQ, opened by need. */
export interface Backend {
  queue(name: string): QueuePart;
  worker(name: string, work: Work, settings: WorkerSettings): WorkerPart;
  close(): Promise<void>;
}

export interface PostgresJobsInit {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** Of its own: the queue is derived, and may be dropped. */
  readonly schema?: string;
}

/** How long a statement or a connection may take before the caller hears of it. */
const patienceMs = 5000;

/** On PostgreSQL: tables in a schema of their own, made at the first connection. */
export function postgresJobs({ url, schema = 'jobs' }: PostgresJobsInit): Backend {
  const { Queue: PostgresQueue, Worker: PostgresWorker } = withBackend(createSteadyBackend);
  const pool = {
    Client: SteadyClient,
    connectionString: url,
    schema,
    migrate: true,
    connectionTimeoutMillis: patienceMs,
    keepAlive: true,
    application_name: 'streams-jobs',
  };
  return {
    queue: (name) => new PostgresQueue(name, { connection: { ...pool, max: 2, query_timeout: patienceMs * 2, statement_timeout: patienceMs } }) as QueuePart,
    worker: (name, work, settings) =>
      new PostgresWorker(name, (job) => work(job), { ...settings, connection: { ...pool, max: 4, query_timeout: patienceMs * 2 } }) as WorkerPart,
    close: () => Promise.resolve(),
  };
}

const redisOptions: RedisOptions = {
  connectionName: 'streams-jobs',
  connectTimeout: patienceMs,
  maxRetriesPerRequest: null,
  retryStrategy: (failures) => Math.min(2000, 50 * 2 ** Math.min(failures, 6)),
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
};

/** On Redis or Valkey. Whoever adds hears at once that it is away; who works waits for it. */
export function redisJobs(url: string, prefix = 'streams'): Backend {
  const clients: Redis[] = [];
  const open = (more: RedisOptions): Redis => {
    const client = new Redis(url, { ...redisOptions, ...more });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  return {
    queue: (name) => new Queue(name, { prefix, connection: open({ commandTimeout: patienceMs }), skipVersionCheck: true }) as QueuePart,
    worker: (name, work, settings) => new Worker(name, (job) => work(job), { ...settings, prefix, connection: open({}), skipVersionCheck: true }) as WorkerPart,
    close: async () => {
      for (const client of clients.splice(0)) client.disconnect();
    },
  };
}
