/** @needs redis s3 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres, startRedis, startS3, type LocalEngine } from '../../../test/constellation/engines/index.ts';
import { readStreamsSettings } from '../streams.config.ts';
import { tryEngines } from './engine-trial.ts';

// Engines that somebody gives by URL are not ours: what this machine brings is tried.
for (const name of ['REDIS_URL', 'S3_ENDPOINT', 'DATABASE_URL']) delete process.env[name];

let engines: readonly LocalEngine[] = [];

beforeAll(async () => {
  engines = await Promise.all([startPostgres(), startS3(), startRedis()]);
}, 60_000);

afterAll(() => Promise.all(engines.map((engine) => engine.stop())));

test('engines that are there are asked, and say what they are', async () => {
  const environment = Object.assign({ STREAMS_DATA_DIR: '/nowhere' }, ...engines.map(({ env }) => env)) as Record<string, string>;
  expect(await tryEngines(readStreamsSettings(environment))).toEqual([
    { setting: 'DATABASE_URL', right: true, message: expect.stringMatching(/^PostgreSQL 1[5-9]/) },
    { setting: 'S3_ENDPOINT', right: true, message: expect.stringMatching(/^bucket .+, written, read and removed$/) },
    { setting: 'REDIS_URL', right: true, message: 'Redis, PONG' },
  ]);
}, 60_000);

test('each that does not answer is named, with what it is missed by', async () => {
  const settings = readStreamsSettings({
    STREAMS_DATA_DIR: '/nowhere',
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'postgresql://x:y@127.0.0.1:1/z',
    ...{ S3_ENDPOINT: 'http://127.0.0.1:1', S3_BUCKET: 'bucket', S3_ACCESS_KEY_ID: 'a', S3_SECRET_ACCESS_KEY: 'secret-of-s3' },
    REDIS_URL: 'redis://:secret-of-redis@127.0.0.1:1',
  });
  const answers = await tryEngines(settings);
  expect(answers.map(({ right, setting }) => [setting, right])).toEqual(
    ['KAFKA_BROKERS', 'DATABASE_URL', 'S3_ENDPOINT', 'REDIS_URL'].map((setting) => [setting, false]),
  );
  for (const { message } of answers) expect(message).toMatch(/ECONNREFUSED|cannot be reached|does not answer|connect/i);
  expect(JSON.stringify(answers)).not.toMatch(/secret/);
}, 60_000);

test('nobody is asked where everything is embedded', async () => {
  expect(await tryEngines(readStreamsSettings({ STREAMS_DATA_DIR: '/nowhere' }))).toEqual([]);
});
