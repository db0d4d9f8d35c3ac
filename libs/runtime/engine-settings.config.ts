import { readKafkaSettings, type KafkaSettings } from './kafka.config.ts';
import { missingSetting, readFlag, readText, readUrl, type Environment } from './setting-values.config.ts';

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

/** Without an endpoint they would be about nothing, and segments would go to the local disk. */
const besideEndpoint = ['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'S3_REGION', 'S3_PREFIX', 'S3_FORCE_PATH_STYLE'] as const;
const awsExample = 'https://s3.eu-central-1.amazonaws.com';

/** @throws OperatingError `SETTING_INVALID` naming the variable */
export function readS3Settings(env: Environment): S3Settings | undefined {
  const endpoint = readUrl(env, 'S3_ENDPOINT', ['https', 'http']);
  const given = besideEndpoint.find((name) => env[name]);
  if (endpoint === undefined && given !== undefined)
    throw missingSetting('S3_ENDPOINT', `is not set, but ${given} is: set it to the store's URL, for AWS itself for example ${awsExample}`, awsExample);
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
  if (accessKeyId === '') throw missingSetting('S3_ACCESS_KEY_ID', 'is not set, but S3_SECRET_ACCESS_KEY is: both or neither', 'x');
  if (secretAccessKey === '') throw missingSetting('S3_SECRET_ACCESS_KEY', 'is not set, but S3_ACCESS_KEY_ID is: both or neither', 'x');
  return { accessKeyId, secretAccessKey };
}
