import { readKafkaSettings, type KafkaSettings } from './kafka.config.ts';
import { invalidSetting, readFlag, readText, readUrl, type Environment } from './setting-values.config.ts';

/** An S3 bucket and who asks for it. */
export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** Undefined: the usual chain of the AWS SDK (profile, container or instance role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly forcePathStyle: boolean;
  readonly prefix: string;
}

/** The engines of a cluster that settings name; undefined where an embedded one serves. */
export interface ChosenEngines {
  /** The event log. */
  readonly kafka: KafkaSettings | undefined;
  /** PostgreSQL; undefined when nobody said where it is. */
  readonly databaseUrl: string | undefined;
  readonly s3: S3Settings | undefined;
  readonly redisUrl: string | undefined;
}

/** @throws OperatingError `SETTING_INVALID` naming the variable */
export function readEngineSettings(env: Environment, node: string): ChosenEngines {
  return {
    kafka: readKafkaSettings(env, node),
    databaseUrl: readUrl(env, 'DATABASE_URL', ['postgresql', 'postgres']),
    s3: readS3Settings(env),
    redisUrl: readUrl(env, 'REDIS_URL', ['redis', 'rediss']),
  };
}

/** The names that S3 allows (General purpose bucket naming rules). */
const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

function readS3Settings(env: Environment): S3Settings | undefined {
  const endpoint = readUrl(env, 'S3_ENDPOINT', ['https', 'http']);
  if (endpoint === undefined) return undefined;
  const prefix = readText(env, 'S3_PREFIX', '/', /^\/?([\w.-]+\/)*[\w.-]*$/).replaceAll(/^\/|\/$/g, '');
  return {
    endpoint,
    bucket: readText(env, 'S3_BUCKET', 'streams', bucketPattern),
    region: readText(env, 'S3_REGION', 'us-east-1', /^[\w-]{1,64}$/),
    credentials: readCredentials(env),
    forcePathStyle: readFlag(env, 'S3_FORCE_PATH_STYLE', true),
    prefix: prefix === '' ? '' : `${prefix}/`,
  };
}

function readCredentials(env: Environment): S3Settings['credentials'] {
  const { S3_ACCESS_KEY_ID: accessKeyId = '', S3_SECRET_ACCESS_KEY: secretAccessKey = '' } = env;
  if (accessKeyId === '' && secretAccessKey === '') return undefined;
  if (accessKeyId === '') throw invalidSetting('S3_ACCESS_KEY_ID', 'is not set, but S3_SECRET_ACCESS_KEY is: both or neither', ['S3_SECRET_ACCESS_KEY']);
  if (secretAccessKey === '') throw invalidSetting('S3_SECRET_ACCESS_KEY', 'is not set, but S3_ACCESS_KEY_ID is: both or neither', ['S3_ACCESS_KEY_ID']);
  return { accessKeyId, secretAccessKey };
}
