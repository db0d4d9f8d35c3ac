import { startKafka } from './kafka/index.ts';
import { type LocalEngine, startPostgres, startRedis, startS3 } from './engines/index.ts';

/** Engines that a platform runs on. */
export interface RunningSet {
  /** What a platform is told about them. */
  readonly env: Readonly<Record<string, string>>;
  /** Those that run beside the platform, by name. */
  readonly engines: Readonly<Record<string, LocalEngine>>;
  stop(): Promise<void>;
}

export interface EngineSet {
  readonly name: string;
  start(): Promise<RunningSet>;
}

/** An engine that somebody named for other tests is not meant for a platform that is to bring its own. */
const ownEngines = {
  ...{ DATABASE_URL: '', REDIS_URL: '', KAFKA_BROKERS: '' },
  ...{ S3_ENDPOINT: '', S3_BUCKET: '', S3_REGION: '', S3_PREFIX: '', S3_ACCESS_KEY_ID: '', S3_SECRET_ACCESS_KEY: '', S3_FORCE_PATH_STYLE: '' },
};

/** Nothing to install: what `npm start` brings. */
export const embeddedSet: EngineSet = {
  name: 'embedded engines',
  start: () => Promise.resolve({ env: ownEngines, engines: {}, stop: () => Promise.resolve() }),
};

/** The log on this machine, everything else in a cluster. */
export const mixedSet: EngineSet = {
  name: 'the embedded log with S3, PostgreSQL and Redis',
  start: () => startSet({ postgres: startPostgres, s3: startS3, redis: startRedis }),
};

/** The log in a cluster, everything else on this machine. */
export const kafkaSet: EngineSet = {
  name: 'Kafka',
  start: () => startSet({ kafka: startKafka }),
};

/** Nothing on this machine but the processes. */
export const clusterSet: EngineSet = {
  name: 'Kafka, S3, PostgreSQL and Redis',
  start: () => startSet({ kafka: startKafka, postgres: startPostgres, s3: startS3, redis: startRedis }),
};

/** Starts engines side by side; when one does not come up, the others go. */
export async function startSet(starters: Readonly<Record<string, () => Promise<LocalEngine>>>): Promise<RunningSet> {
  const names = Object.keys(starters);
  const started = await Promise.allSettled(Object.values(starters).map((start) => start()));
  const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => void (await Promise.all(running.map((engine) => engine.stop())));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const engines = Object.fromEntries(names.map((name, at) => [name, running[at] as LocalEngine]));
  return { env: Object.assign({ ...ownEngines }, ...running.map(({ env }) => env)), engines, stop };
}
