import { readFileSync } from 'node:fs';
import { invalidSetting, missingSetting, readChoice, readFlag, readInteger, readText, type Environment } from './setting-values.config.ts';

const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;
/** Whoever sets one of these means to use Kafka. */
const connectionSettings = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD', 'KAFKA_TLS_CA', 'KAFKA_TLS_CERT', 'KAFKA_TLS_KEY'] as const;
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const brokerPattern = /^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9_.-]+):\d{1,5}$/;

/** Where Kafka is and how it is used; given, it serves the event log. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly sasl:
    | { readonly mechanism: (typeof saslMechanisms)[number]; readonly username: string | undefined; readonly password: string | undefined }
    | undefined;
  /** PEM texts. */
  readonly tls: { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined } | undefined;
  readonly replication: number | undefined;
  readonly minInSync: number | undefined;
  readonly retentionMs: number;
  readonly compression: (typeof compressions)[number];
  readonly topicPrefix: string;
  readonly directTenants: readonly string[] | '*';
}

/**
 * Kafka's settings; undefined when `KAFKA_BROKERS` is not set.
 * @throws OperatingError `SETTING_INVALID` naming the variable.
 */
export function readKafkaSettings(env: Environment, node: string): KafkaSettings | undefined {
  const list = env['KAFKA_BROKERS'];
  if (!list) {
    const given = connectionSettings.find((name) => env[name]) ?? (readFlag(env, 'KAFKA_TLS', false) ? 'KAFKA_TLS' : undefined);
    if (given !== undefined) throw missingSetting('KAFKA_BROKERS', `is not set, but ${given} is: the event log would not be on Kafka`, 'kafka-1:9092');
    return undefined;
  }
  const brokers = list.split(',').map((broker) => broker.trim());
  const wrong = brokers.find((broker) => !brokerPattern.test(broker));
  if (wrong !== undefined) throw invalidSetting('KAFKA_BROKERS', `must be host:port, separated by commas, but holds ${JSON.stringify(wrong)}`);
  return {
    brokers,
    clientId: readText(env, 'KAFKA_CLIENT_ID', `streams-${node}`, /^[A-Za-z0-9._-]{1,128}$/),
    sasl: readSasl(env),
    tls: readTls(env),
    replication: readOptional(env, 'KAFKA_REPLICATION', 1, 32767),
    minInSync: readOptional(env, 'KAFKA_MIN_INSYNC', 1, 32767),
    retentionMs: env['KAFKA_RETENTION_MS'] === '-1' ? -1 : readInteger(env, 'KAFKA_RETENTION_MS', -1, 1, Number.MAX_SAFE_INTEGER),
    compression: readChoice(env, 'KAFKA_COMPRESSION', compressions, 'gzip'),
    topicPrefix: readText(env, 'KAFKA_TOPIC_PREFIX', '', /^[A-Za-z0-9._-]{0,100}$/),
    directTenants: readDirectTenants(env),
  };
}

const tenantList = /^(\*|[a-z0-9][a-z0-9-]{0,62}(,[a-z0-9][a-z0-9-]{0,62})*)$/;

/** Nobody's word for a tenant is proof of it on a broker: those that are taken at their word are named. */
function readDirectTenants(env: Environment): KafkaSettings['directTenants'] {
  const text = readText(env, 'KAFKA_DIRECT_TENANTS', 'default', tenantList);
  return text === '*' ? '*' : text.split(',');
}

function readOptional(env: Environment, name: string, min: number, max: number): number | undefined {
  return env[name] ? readInteger(env, name, min, min, max) : undefined;
}

function readSasl(env: Environment): KafkaSettings['sasl'] {
  const given = (['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const).find((name) => env[name]);
  if (!env['KAFKA_SASL_MECHANISM'] && given !== undefined)
    throw missingSetting('KAFKA_SASL_MECHANISM', `is not set, but ${given} is: set it to one of ${saslMechanisms.join(', ')}`, 'PLAIN');
  if (!env['KAFKA_SASL_MECHANISM']) return undefined;
  const mechanism = readChoice(env, 'KAFKA_SASL_MECHANISM', saslMechanisms, 'PLAIN');
  const [username, password] = [env['KAFKA_SASL_USERNAME'] || undefined, env['KAFKA_SASL_PASSWORD'] || undefined];
  if (password === undefined) throw missingSetting('KAFKA_SASL_PASSWORD', 'must be set with KAFKA_SASL_MECHANISM (for OAUTHBEARER it is the token)', 'x');
  if (username === undefined && mechanism !== 'OAUTHBEARER') throw missingSetting('KAFKA_SASL_USERNAME', 'must be set with KAFKA_SASL_MECHANISM', 'x');
  return { mechanism, username, password };
}

const tlsFiles = ['KAFKA_TLS_CA', 'KAFKA_TLS_CERT', 'KAFKA_TLS_KEY'] as const;

function readTls(env: Environment): KafkaSettings['tls'] {
  const isOn = readFlag(env, 'KAFKA_TLS', false);
  const given = tlsFiles.find((name) => env[name]);
  if (!isOn && given !== undefined) throw missingSetting('KAFKA_TLS', `must be 1 with ${given}: without it nothing is encrypted`, '1');
  if (!isOn) return undefined;
  const [ca, cert, key] = tlsFiles.map((name) => readPem(env, name));
  if ((cert === undefined) !== (key === undefined))
    throw invalidSetting('KAFKA_TLS_CERT', 'and KAFKA_TLS_KEY are set together or not at all', ['KAFKA_TLS_CERT', 'KAFKA_TLS_KEY']);
  return { ca, cert, key };
}

function readPem(env: Environment, name: string): string | undefined {
  const path = env[name];
  if (!path) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw invalidSetting(name, `names a file that cannot be read: ${path}`);
  }
  if (!text.includes('-----BEGIN ')) throw invalidSetting(name, `names a file that is not PEM: ${path}`);
  return text;
}
