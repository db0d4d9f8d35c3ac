import { describe, expect, test } from '@jest/globals';
import { resolve } from 'node:path';
import { readChoice, readFlag, readInteger, readPort } from './setting-values.config.ts';
import { readSharedSettings } from './settings.config.ts';
import { telemetryOff } from './telemetry/telemetry.config.ts';

describe('shared settings', () => {
  test('have a default for everything on one machine', () => {
    const dataDir = resolve('.streams');
    expect(readSharedSettings({})).toEqual({
      dataDir,
      node: 'node-1',
      host: '0.0.0.0',
      publicHost: 'localhost',
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
      telemetry: telemetryOff,
    });
  });

  test.each([
    [{ STREAMS_NODE: 'no spaces' }, 'STREAMS_NODE'],
    [{ LOG_FORMAT: 'xml' }, 'LOG_FORMAT must be one of json, pretty'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    [{ DATABASE_URL: 'mysql://root:secret@db/x' }, 'The setting DATABASE_URL must be a URL that begins with postgresql:// or postgres://.'],
    [{ REDIS_URL: 'cache:6379' }, 'REDIS_URL must be a URL that begins with redis:// or rediss://'],
    [{ S3_ENDPOINT: 's3.example' }, 'S3_ENDPOINT must be a URL that begins with https:// or http://'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_BUCKET: 'Upper' }, 'S3_BUCKET'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_PREFIX: 'a//b' }, 'S3_PREFIX'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_FORCE_PATH_STYLE: 'maybe' }, 'S3_FORCE_PATH_STYLE'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_ACCESS_KEY_ID: 'a' }, 'S3_SECRET_ACCESS_KEY is not set, but S3_ACCESS_KEY_ID is'],
    [{ S3_ENDPOINT: 'https://s3.example', S3_SECRET_ACCESS_KEY: 'a' }, 'S3_ACCESS_KEY_ID is not set'],
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

  test.each(['70000', '-1', '1e3', '0x10', ' '])('%j is no port', (text) => {
    expect(() => readPort({ P: text }, 'P', 1)).toThrow('The setting P must be a whole number from 0 to 65535');
  });

  test('numbers and choices fall back to their default', () => {
    expect([readPort({ P: '0' }, 'P', 1), readInteger({ P: '' }, 'P', 7, 0, 9), readChoice({}, 'C', ['a', 'b'], 'b')]).toEqual([0, 7, 'b']);
  });
});
