import type { RowRetention } from '#adapters/postgres';
import type { KafkaLogInit } from '#adapters/kafka-log';
import type { S3BlobStoreInit } from '#adapters/s3-blob';
import type { SealedEventLog } from '#adapters/sealed-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { OperatingError } from '#kernel';
import type {
  AggregateStore,
  BlobStore,
  Clock,
  EventIndex,
  EffectStore,
  EventLog,
  HeadProgress,
  IdSource,
  JobQueue,
  KeptErasures,
  LeaseStore,
  LedgerStore,
  Outbox,
  PastStore,
  ParkedEvents,
  ProjectionBuilds,
  ProjectionStore,
  PublicationStore,
  RateLimiter,
  ReadStore,
  ReadTotals,
  SecretStore,
  SubjectKeyStore,
} from '#ports';

/** The settings that choose and place the engines; the shared settings of every app fit. */
export interface EngineSettings {
  readonly logPath: string;
  readonly blobPath: string;
  readonly databaseUrl: string | undefined;
  /** The event log is on these brokers instead of in `logPath`. */
  readonly kafka?: KafkaLogInit | undefined;
  /** Told at first, and then twice a minute, that an engine does not answer and is waited for; once, that it is done without, or back. */
  readonly onWaiting?: ((message: string, err: unknown) => void) | undefined;
  /** Blobs go to this bucket instead of `blobPath`. */
  readonly s3?: S3BlobStoreInit | undefined;
  /** The blobs are somebody else's, and are read alone. */
  readonly blobsReadOnly?: boolean;
  /** Limits are counted there for all processes, without one each counts for itself; jobs wait there, without one in the database. */
  readonly redisUrl?: string | undefined;
}

/** What each engine serves. */
export interface EngineParts {
  readonly log: {
    readonly log: EventLog;
    /** The same log, to those who seal its past or ask what is sealed. */
    readonly sealedLog: SealedEventLog;
  };
  readonly database: {
    /** Where it is, for migrations. */
    readonly databaseUrl: string;
    readonly aggregates: AggregateStore;
    readonly outbox: Outbox;
    /** What the database knows of the log, to find out whether it is older. */
    readonly headProgress: HeadProgress;
    readonly effects: EffectStore;
    readonly leases: LeaseStore;
    readonly ledger: LedgerStore;
    readonly projections: ProjectionStore;
    readonly builds: ProjectionBuilds;
    readonly past: PastStore;
    /** What they have set aside. */
    readonly parked: ParkedEvents;
    readonly index: EventIndex;
    readonly publications: PublicationStore;
    readonly reads: ReadStore;
    readonly totals: ReadTotals;
    /** Rows that expire. */
    readonly rowRetention: RowRetention;
    readonly secrets: SecretStore;
    readonly subjectKeys: SubjectKeyStore;
    /** Erasures of other regions that wait. */
    readonly keptErasures: KeptErasures;
    /** How its connections are used. */
    readonly databasePool: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  };
  readonly blobs: { readonly blobs: BlobStore };
  readonly limits: { readonly limiter: RateLimiter };
  readonly jobs: { readonly jobs: JobQueue };
}

export type EngineName = keyof EngineParts;

export interface EngineBase {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Closes what was opened, the last first. */
  close(): Promise<void>;
}

type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void ? All : never;

/** The ports of the engines asked for, side by side. */
export type Engines<Name extends EngineName = EngineName> = EngineBase & Intersection<EngineParts[Name]>;

interface OpenEngine<Part> {
  readonly part: Part;
  close(): Promise<void>;
}

async function openHotLog(settings: EngineSettings): Promise<EventLog> {
  if (settings.kafka !== undefined) {
    const { KafkaEventLog } = await import('#adapters/kafka-log');
    const log = new KafkaEventLog(settings.kafka);
    await log.reached((err) => settings.onWaiting?.('Kafka does not answer; waiting for it', err));
    return log;
  }
  const { SqliteEventLog } = await import('#adapters/sqlite-log');
  return new SqliteEventLog({ path: settings.logPath }, { clock: new SystemClock() });
}

function noDatabase(): OperatingError {
  const message = 'Nobody said where PostgreSQL is: set DATABASE_URL, or start everything with npm start.';
  return new OperatingError(message, { code: 'SETTING_INVALID', retryable: false });
}

/** How each engine is opened. Code is loaded by need: who reads the log alone does not load a database driver. */
const openers: { readonly [Name in EngineName]: (settings: EngineSettings) => Promise<OpenEngine<EngineParts[Name]>> } = {
  async log(settings) {
    const { SealedEventLog } = await import('#adapters/sealed-log');
    const hot = await openHotLog(settings);
    // Whoever reads nothing that is sealed needs no store, nor the right to use it.
    let store: Promise<OpenEngine<EngineParts['blobs']>> | undefined;
    const blobs = async (): Promise<BlobStore> => {
      store ??= openers.blobs(settings);
      store.catch(() => (store = undefined));
      return (await store).part.blobs;
    };
    const log = new SealedEventLog({}, { hot, blobs });
    const close = async (): Promise<void> => {
      await log.close();
      await (await store)?.close();
    };
    return { part: { log, sealedLog: log }, close };
  },

  async database(settings) {
    const { databaseUrl } = settings;
    if (databaseUrl === undefined) throw noDatabase();
    const {
      Database,
      PostgresAggregateStore,
      PostgresEventIndex,
      PostgresEffectStore,
      PostgresKeptErasures,
      PostgresLeaseStore,
      PostgresLedgerStore,
      PostgresHeadProgress,
      PostgresOutbox,
      PostgresPastStore,
      PostgresParkedEvents,
      PostgresProjectionBuilds,
      PostgresProjectionStore,
      PostgresPublicationStore,
      PostgresReadStore,
      PostgresReadTotals,
      PostgresSecretStore,
      PostgresSubjectKeyStore,
      RowRetention: RowRetentionStore,
    } = await import('#adapters/postgres');
    const database = new Database({ url: databaseUrl });
    const part = {
      databaseUrl,
      aggregates: new PostgresAggregateStore(database),
      outbox: new PostgresOutbox(database),
      headProgress: new PostgresHeadProgress(database),
      effects: new PostgresEffectStore(database),
      leases: new PostgresLeaseStore(database),
      ledger: new PostgresLedgerStore(database),
      projections: new PostgresProjectionStore(database),
      builds: new PostgresProjectionBuilds(database),
      past: new PostgresPastStore(database),
      parked: new PostgresParkedEvents(database),
      index: new PostgresEventIndex(database),
      publications: new PostgresPublicationStore(database),
      reads: new PostgresReadStore(database),
      totals: new PostgresReadTotals(database),
      rowRetention: new RowRetentionStore(database),
      secrets: new PostgresSecretStore(database),
      subjectKeys: new PostgresSubjectKeyStore(database),
      keptErasures: new PostgresKeptErasures(database),
      databasePool: () => database.use,
    };
    return { part, close: () => database.close() };
  },

  async blobs(settings) {
    const { s3, blobPath: folder, blobsReadOnly: readOnly = false } = settings;
    if (s3 !== undefined) {
      const { S3BlobStore } = await import('#adapters/s3-blob');
      const blobs = await S3BlobStore.open({ ...s3, readOnly });
      return { part: { blobs }, close: async () => blobs.close() };
    }
    const { FsBlobStore } = await import('#adapters/fs-blob');
    return { part: { blobs: await FsBlobStore.open({ folder, readOnly }) }, close: () => Promise.resolve() };
  },

  async limits({ redisUrl, onWaiting }) {
    const { MemoryRateLimiter } = await import('#adapters/memory');
    const local = new MemoryRateLimiter();
    if (redisUrl === undefined) return { part: { limiter: local }, close: () => Promise.resolve() };
    const { FailSoftRateLimiter, RedisConnection, RedisRateLimiter } = await import('#adapters/redis');
    const redis = await RedisConnection.open({ url: redisUrl });
    const onChange = (error: unknown): void =>
      onWaiting?.(
        error === undefined ? 'Redis is back; limits are counted there again' : 'Redis does not answer; each process counts limits for itself',
        error,
      );
    return { part: { limiter: new FailSoftRateLimiter({ onChange }, { local, shared: new RedisRateLimiter(redis) }) }, close: () => redis.close() };
  },

  async jobs({ redisUrl, databaseUrl }) {
    const { BullmqJobQueue, postgresJobs, redisJobs } = await import('#adapters/bullmq');
    if (redisUrl === undefined && databaseUrl === undefined) throw noDatabase();
    const jobs = new BullmqJobQueue(redisUrl === undefined ? postgresJobs({ url: databaseUrl ?? '' }) : redisJobs(redisUrl));
    return { part: { jobs }, close: () => jobs.close() };
  },
};

/**
 * Opens the engines named, as the settings choose them: the one place that composes adapters. A setting that names a
 * cluster's engine selects it; without one the embedded engine serves.
 * @throws OperatingError `SETTING_INVALID` when an engine asked for has no place.
 */
export async function openEngines<Name extends EngineName>(settings: EngineSettings, ...names: readonly Name[]): Promise<Engines<Name>> {
  const opened: Array<OpenEngine<object>> = [];
  const close = async (): Promise<void> => {
    for (const engine of opened.splice(0).reverse()) await engine.close();
  };
  try {
    for (const name of names) opened.push(await openers[name](settings));
  } catch (error) {
    await close();
    throw error;
  }
  const base: EngineBase = { clock: new SystemClock(), ids: new UuidV7IdSource(), close };
  return Object.assign(base, ...opened.map(({ part }) => part)) as Engines<Name>;
}
