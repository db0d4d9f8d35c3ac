import { describe, expect, test } from '@jest/globals';
import { resolve } from 'node:path';
import { settingProblems, readChoice, readFlag, readInteger, readPort } from './setting-values.config.ts';
import { readRtmpsSettings } from './rtmps.config.ts';
import { readOwnHosts } from './own-hosts.config.ts';
import { readSharedSettings } from './settings.config.ts';
import { telemetryOff } from './telemetry/telemetry.config.ts';

describe('hosts of the platform', () => {
  test('are those of all its addresses, in lower case, and all below the domain that it is the authority for', () => {
    const env = {
      STREAMS_PUBLIC_HOST: 'Media.example',
      EDGE_PUBLIC_URL: 'https://Play.example:8443',
      EDGE_URLS: 'https://e1.example, nonsense',
      STEERING_ZONE: 'CDN.example.',
    };
    expect(readOwnHosts(env)).toEqual(['localhost', 'media.example', 'play.example', 'e1.example', 'cdn.example', '*.cdn.example']);
    expect(readOwnHosts({})).toEqual(['localhost']);
  });
});

describe('shared settings', () => {
  test('have a default for everything on one machine', () => {
    const dataDir = resolve('.streams');
    expect(readSharedSettings({})).toEqual({
      dataDir,
      node: 'node-1',
      host: '0.0.0.0',
      publicHost: 'localhost',
      kafka: undefined,
      databaseUrl: undefined,
      s3: undefined,
      redisUrl: undefined,
      logPath: `${dataDir}/log/events.sqlite`,
      blobPath: `${dataDir}/blobs`,
      postgresPath: `${dataDir}/postgres`,
      runPath: `${dataDir}/run`,
      supervised: false,
      logFormat: 'json',
      logLevel: 'info',
      masterKey: { transit: undefined, file: undefined, ownPath: `${dataDir}/master.key` },
      regionSecrets: { current: undefined, former: [] },
      telemetry: telemetryOff,
    });
  });

  test.each([
    [{ STREAMS_NODE: 'no spaces' }, 'STREAMS_NODE'],
    [{ LOG_FORMAT: 'xml' }, 'LOG_FORMAT must be one of json, pretty'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    [{ REGION_SECRET: 'short' }, 'REGION_SECRET must have 16 to 256 characters, printable ones of ASCII.'],
    [{ REGION_SECRET: 'two-of-sixteen-1 two-of-sixteen-2' }, 'REGION_SECRET must not hold spaces: they separate secrets where there are several.'],
    [{ REGION_SECRET: 'correct horse battery staple' }, 'REGION_SECRET must not hold spaces'],
    [{ REGION_SECRETS_FORMER: 'short' }, 'REGION_SECRETS_FORMER must be secrets of 16 to 256 printable characters of ASCII, separated by spaces.'],
    [
      { REGION_SECRETS_FORMER: 'two-of-sixteen-1 correct horse' },
      'separated by spaces; number 2 of 3 has not, and a secret that holds spaces cannot be among them.',
    ],
    [{ MASTER_KEY_URL: 'https://vault.example/v1/transit/keys/streams' }, 'MASTER_KEY_TOKEN is not set'],
    [{ MASTER_KEY_URL: 'https://vault.example/v1/transit/keys/streams', MASTER_KEY_FILE: '/keys' }, 'MASTER_KEY_FILE is set'],
    [{ DATABASE_URL: 'mysql://root:secret@db/x' }, 'The setting DATABASE_URL must be a URL that begins with postgresql:// or postgres://.'],
    [{ REDIS_URL: 'cache:6379' }, 'REDIS_URL must be a URL that begins with redis:// or rediss://'],
    [{ S3_ENDPOINT: 's3.example' }, 'S3_ENDPOINT must be a URL that begins with https:// or http://'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_BUCKET: 'Upper' }, 'S3_BUCKET'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_PREFIX: 'a//b' }, 'S3_PREFIX'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_FORCE_PATH_STYLE: 'maybe' }, 'S3_FORCE_PATH_STYLE'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_ACCESS_KEY_ID: 'a' }, 'S3_SECRET_ACCESS_KEY is not set, but S3_ACCESS_KEY_ID is'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_SECRET_ACCESS_KEY: 'a' }, 'S3_ACCESS_KEY_ID is not set'],
    [
      { S3_BUCKET: 'media' },
      "S3_ENDPOINT is not set, but S3_BUCKET is: set it to the store's URL, for AWS itself for example https://s3.eu-central-1.amazonaws.com",
    ],
    [{ S3_ACCESS_KEY_ID: 'a', S3_SECRET_ACCESS_KEY: 'b' }, 'S3_ENDPOINT is not set, but S3_ACCESS_KEY_ID is'],
    [{ S3_REGION: 'eu-central-1' }, 'S3_ENDPOINT is not set, but S3_REGION is'],
    [{ KAFKA_BROKERS: 'b:9092', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' }, 'KAFKA_SASL_MECHANISM is not set, but KAFKA_SASL_USERNAME is'],
    [{ KAFKA_BROKERS: 'b:9092', KAFKA_SASL_PASSWORD: 'p' }, 'KAFKA_SASL_MECHANISM is not set, but KAFKA_SASL_PASSWORD is: set it to one of PLAIN, '],
    [{ KAFKA_BROKERS: 'b:9092', KAFKA_TLS_CA: '/ca.pem' }, 'KAFKA_TLS must be 1 with KAFKA_TLS_CA: without it nothing is encrypted'],
    [{ KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_BROKERS is not set, but KAFKA_SASL_USERNAME is'],
    [{ KAFKA_TLS: '1' }, 'KAFKA_BROKERS is not set, but KAFKA_TLS is'],
    [{ KAFKA_BROKERS: 'b:9092', KAFKA_TLS: '1', KAFKA_TLS_CA: '/etc/hostname' }, 'KAFKA_TLS_CA names a file that is not PEM: /etc/hostname'],
    [{ KAFKA_BROKERS: 'b:9092', KAFKA_TLS: '0', KAFKA_TLS_KEY: '/key.pem' }, 'KAFKA_TLS must be 1 with KAFKA_TLS_KEY'],
  ])('%j is refused by name', (env, message) => {
    expect(() => readSharedSettings(env)).toThrow(message);
  });

  test('a bucket needs its endpoint alone; a prefix ends with a slash', () => {
    expect(readSharedSettings({ S3_ENDPOINT: 'https://s3.example' }).s3).toEqual({
      endpoint: 'https://s3.example',
      bucket: 'streams',
      region: 'us-east-1',
      credentials: undefined,
      forcePathStyle: true,
      prefix: '',
    });
    const more = { S3_ENDPOINT: 'https://s3.example', S3_PREFIX: '/a/b', S3_ACCESS_KEY_ID: 'k', S3_SECRET_ACCESS_KEY: 's' };
    expect(readSharedSettings(more).s3).toMatchObject({ prefix: 'a/b/', credentials: { accessKeyId: 'k', secretAccessKey: 's' } });
    expect([readFlag({ F: 'true' }, 'F', false), readFlag({ F: '0' }, 'F', true), readFlag({}, 'F', true)]).toEqual([true, false, true]);
  });

  test.each<[Readonly<Record<string, string>>, readonly string[]]>([
    [{ S3_BUCKET: 'Upper', S3_ACCESS_KEY_ID: 'a', REDIS_URL: 'x' }, ['S3_ENDPOINT', 'S3_BUCKET', 'S3_SECRET_ACCESS_KEY', 'REDIS_URL']],
    [{ S3_ENDPOINT: 'nowhere', S3_BUCKET: 'Upper' }, ['S3_ENDPOINT', 'S3_BUCKET']],
    [
      { KAFKA_BROKERS: 'b:9092', KAFKA_SASL_USERNAME: 'u', KAFKA_TLS_CA: '/nowhere' },
      ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_PASSWORD', 'KAFKA_TLS', 'KAFKA_TLS_CA'],
    ],
    [{ KAFKA_BROKERS: 'b:9092', KAFKA_SASL_MECHANISM: 'PLAIN' }, ['KAFKA_SASL_PASSWORD', 'KAFKA_SASL_USERNAME']],
    [{ KAFKA_BROKERS: 'b:9092', KAFKA_SASL_MECHANISM: 'GSSAPI', KAFKA_SASL_USERNAME: 'u' }, ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_PASSWORD']],
    [{ KAFKA_BROKERS: 'b', KAFKA_SASL_USERNAME: 'u', LOG_LEVEL: 'loud' }, ['KAFKA_BROKERS', 'KAFKA_SASL_MECHANISM', 'KAFKA_SASL_PASSWORD', 'LOG_LEVEL']],
  ])('%j: every problem is told at once', (env, settings) => {
    expect(settingProblems(readSharedSettings, env).map(({ setting }) => setting)).toEqual(settings);
  });

  test('Kafka needs its brokers alone; what does not go together is refused', () => {
    const KAFKA_BROKERS = 'one:9092, two:9092';
    expect(readSharedSettings({ KAFKA_BROKERS }).kafka).toEqual({
      brokers: ['one:9092', 'two:9092'],
      clientId: 'streams-node-1',
      sasl: undefined,
      tls: undefined,
      replication: undefined,
      minInSync: undefined,
      retentionMs: -1,
      compression: 'gzip',
      topicPrefix: '',
      directTenants: ['default'],
    });
    const more = { KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p', KAFKA_TLS: '1', KAFKA_REPLICATION: '3' };
    expect(readSharedSettings({ KAFKA_BROKERS, ...more }).kafka).toMatchObject({
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' },
      tls: { ca: undefined, cert: undefined, key: undefined },
      replication: 3,
    });
    for (const [name, value] of Object.entries({
      KAFKA_BROKERS: 'one',
      KAFKA_SASL_MECHANISM: 'GSSAPI',
      KAFKA_COMPRESSION: 'rar',
      KAFKA_RETENTION_MS: '0',
      KAFKA_TOPIC_PREFIX: 'a/b',
      KAFKA_DIRECT_TENANTS: 'acme,*',
      KAFKA_REPLICATION: '0',
    })) {
      expect(() => readSharedSettings({ KAFKA_BROKERS, [name]: value })).toThrow(name);
    }
    expect(() => readSharedSettings({ KAFKA_BROKERS, KAFKA_SASL_MECHANISM: 'PLAIN' })).toThrow('KAFKA_SASL_PASSWORD must be set');
    expect(() => readSharedSettings({ KAFKA_BROKERS, KAFKA_TLS: '1', KAFKA_TLS_CA: '/nowhere/ca.pem' })).toThrow(
      'KAFKA_TLS_CA names a file that cannot be read',
    );
  });

  test.each(['70000', '-1', '1e3', '0x10', ' '])('%j is no port', (text) => {
    expect(() => readPort({ P: text }, 'P', 1)).toThrow('The setting P must be a whole number from 0 to 65535');
  });

  test('numbers and choices fall back to their default', () => {
    expect([readPort({ P: '0' }, 'P', 1), readInteger({ P: '' }, 'P', 7, 0, 9), readChoice({}, 'C', ['a', 'b'], 'b')]).toEqual([0, 7, 'b']);
  });
});

describe('RTMPS', () => {
  const files = { RTMPS_TLS_CERT: '/a.crt', RTMPS_TLS_KEY: '/a.key' };

  test('is off without a certificate, and on its own ports with TLS 1.3 with one', () => {
    expect(readRtmpsSettings({ RTMPS_PORT: '443' })).toBeUndefined();
    expect(readRtmpsSettings(files)).toEqual({ certPath: '/a.crt', keyPath: '/a.key', port: 2935, backupPort: 2936, minVersion: 'TLSv1.3' });
    expect(readRtmpsSettings({ ...files, RTMPS_TLS_MIN: '1.2' })?.minVersion).toBe('TLSv1.2');
  });

  test.each([
    [{ RTMPS_TLS_CERT: '/a.crt' }, 'RTMPS_TLS_KEY is not set, but RTMPS_TLS_CERT is'],
    [{ RTMPS_TLS_KEY: '/a.key' }, 'RTMPS_TLS_CERT is not set, but RTMPS_TLS_KEY is'],
    [{ ...files, RTMPS_TLS_MIN: '1.1' }, 'RTMPS_TLS_MIN must be one of 1.3, 1.2'],
    [{ ...files, RTMPS_PORT: 'x' }, 'RTMPS_PORT must be a whole number'],
  ])('%j is refused', (env, message) => {
    expect(() => readRtmpsSettings(env)).toThrow(message);
  });
});
