import { randomBytes } from 'node:crypto';
import { OperatingError } from '#kernel';
import { KafkaEventLog, type KafkaLogInit } from '#adapters/kafka-log';
import { Database } from '#adapters/postgres';
import { RedisConnection } from '#adapters/redis';
import { S3BlobStore, type S3BlobStoreInit } from '#adapters/s3-blob';
import { withTimeout } from '#runtime';
import type { StreamsSettings } from '../streams.config.ts';

/** What an engine of the cluster said when it was asked. */
export interface EngineAnswer {
  /** The setting that names the engine. */
  readonly setting: string;
  readonly right: boolean;
  readonly message: string;
}

type EngineNames = Pick<StreamsSettings, 'databaseUrl' | 'kafka' | 's3' | 'redisUrl'>;

/** All of them answer within milliseconds, or are not there. */
const answerMsMax = 10_000;
/** Opening and writing are each tried again for so long. */
const bucketMsMax = 3000;
/** `server_version_num` of PostgreSQL 15. */
const databaseVersionMin = 150_000;

async function askDatabase(url: string): Promise<string> {
  const database = new Database({ url, connectionsMax: 1, name: 'streams-doctor' });
  try {
    const text = `SELECT current_setting('server_version'), current_setting('server_version_num'), pg_is_in_recovery()`;
    const [version = '', number, standsBy] = (await database.run({ text })).rows[0] ?? [];
    if (Number(number) < databaseVersionMin) throw wrong(`PostgreSQL ${version} is older than 15`);
    if (standsBy === 't') throw wrong('It is a standby, which takes no writes');
    return `PostgreSQL ${version}`;
  } finally {
    await database.close();
  }
}

async function askKafka(init: KafkaLogInit): Promise<string> {
  const log = new KafkaEventLog(init);
  try {
    // It would wait for as long as it takes; here its first complaint is the answer.
    await new Promise<void>((resolve, reject) => void log.reached(reject).then(resolve, reject));
    return 'Kafka';
  } finally {
    await log.close();
  }
}

/** Puts bytes that nobody else has, reads them and removes them. */
async function askBucket(init: S3BlobStoreInit): Promise<string> {
  const store = await S3BlobStore.open({ ...init, deadlineMs: bucketMsMax });
  try {
    const bytes = randomBytes(32);
    const { cid } = await store.put(bytes);
    const back = await store.read(cid);
    await store.delete(cid);
    if (Buffer.compare(back, bytes) !== 0) throw wrong('It gives back other bytes than it was given');
    return `bucket ${init.bucket}, written, read and removed`;
  } finally {
    store.close();
  }
}

async function askRedis(url: string): Promise<string> {
  const redis = await RedisConnection.open({ url, commandTimeoutMs: 2000 });
  try {
    const answer = await redis.run((client) => client.ping());
    return `Redis, ${answer}`;
  } finally {
    await redis.close();
  }
}

function wrong(message: string): OperatingError {
  return new OperatingError(message, { code: 'ENGINE_UNFIT', retryable: false });
}

async function answerOf(setting: string, asked: Promise<string>): Promise<EngineAnswer> {
  try {
    return { setting, right: true, message: await withTimeout(asked, answerMsMax, 'ENGINE_SILENT') };
  } catch (error) {
    return { setting, right: false, message: (error instanceof Error ? error.message : String(error)).replace(/\.$/, '') };
  }
}

/** Asks each engine that a setting names, for real. Those that are embedded start with the platform. */
export async function tryEngines({ databaseUrl, kafka, redisUrl, s3 }: EngineNames): Promise<readonly EngineAnswer[]> {
  const asked: Array<Promise<EngineAnswer>> = [];
  if (kafka !== undefined) asked.push(answerOf('KAFKA_BROKERS', askKafka(kafka)));
  if (databaseUrl !== undefined) asked.push(answerOf('DATABASE_URL', askDatabase(databaseUrl)));
  if (s3 !== undefined) asked.push(answerOf('S3_ENDPOINT', askBucket(s3)));
  if (redisUrl !== undefined) asked.push(answerOf('REDIS_URL', askRedis(redisUrl)));
  return Promise.all(asked);
}
