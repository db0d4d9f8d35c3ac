import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { engineFacts } from './machine/engine-facts.ts';
import { parseFfmpegVersion } from './machine/ffmpeg.ts';
import { readStreamsSettings } from './streams.config.ts';
import { environmentOf, programOf, watchEnvironmentOf } from './supervisor/programs.ts';

describe('the settings', () => {
  test('have a data folder in the checkout', () => {
    const settings = readStreamsSettings({});
    expect(settings.dataDir).toBe(join(settings.root, '.streams'));
    expect(settings.ports).toEqual({ gateway: 8080, grpc: 8083, edge: 8081, rtmp: 1935, rtmpBackup: 1936, relay: 8082 });
  });

  test('name the variable that is wrong', () => {
    expect(() => readStreamsSettings({ RTMP_PORT: 'x' })).toThrow('RTMP_PORT');
  });

  test('reach every app, with the origin of the edge', () => {
    const settings = readStreamsSettings({ GATEWAY_PORT: '9000', HOME: '/home/a' });
    const env = environmentOf(settings, 'run-1', 'postgresql://x');
    expect(env).toMatchObject({
      HOME: '/home/a',
      GATEWAY_PORT: '9000',
      EDGE_ORIGIN_URL: 'http://127.0.0.1:9000',
      STREAMS_SUPERVISED: '1',
      STREAMS_RUN: 'run-1',
      DATABASE_URL: 'postgresql://x',
      LOG_FORMAT: 'json',
    });
  });

  test('choose the engines, which are named without passwords', () => {
    expect(engineFacts(readStreamsSettings({ STREAMS_DATA_DIR: '/data' }))).toEqual([
      { serves: 'Event log', engine: 'embedded SQLite', where: '/data/log/events.sqlite' },
      { serves: 'Read models', engine: expect.stringMatching(/^embedded PostgreSQL \d+\.\d+$/), where: '/data/postgres' },
      { serves: 'Blobs', engine: 'local disk', where: '/data/blobs' },
      { serves: 'Rate limits', engine: 'in memory', where: 'each process for itself' },
    ]);
    const given = {
      DATABASE_URL: 'postgresql://me:secret@db:5432/x',
      S3_ENDPOINT: 'https://s3.example',
      S3_BUCKET: 'media',
      S3_PREFIX: 'a',
      REDIS_URL: 'rediss://:secret@cache',
    };
    expect(engineFacts(readStreamsSettings(given)).slice(1)).toEqual([
      { serves: 'Read models', engine: 'PostgreSQL from DATABASE_URL', where: 'db:5432' },
      { serves: 'Blobs', engine: 'S3 from S3_ENDPOINT', where: 's3.example/media/a/' },
      { serves: 'Rate limits', engine: 'Redis from REDIS_URL', where: 'cache' },
    ]);
  });

  test('give every app a port for watchers, one after the other, or one that the system chooses', () => {
    const apps = ['gateway', 'projector', 'ingest', 'media', 'edge', 'postgres', 'demo'] as const;
    const portsBy = (env: Record<string, string>) => apps.map((name) => watchEnvironmentOf(readStreamsSettings(env), name)['METRICS_PORT']);
    expect(portsBy({})).toEqual(['9460', '9461', '9462', '9463', '9464', undefined, undefined]);
    expect(portsBy({ METRICS_PORT: '0' })).toEqual(['0', '0', '0', '0', '0', undefined, undefined]);
  });

  test('run the edge on Bun and the rest on Node', () => {
    const settings = readStreamsSettings({});
    expect(programOf(settings, 'edge', {}).command).toMatch(/bun/);
    expect(programOf(settings, 'media', {}).command).toBe(process.execPath);
  });
});

describe('the version of ffmpeg', () => {
  test.each([
    ['ffmpeg version 5.1.6-0+deb12u1 Copyright', { major: 5, minor: 1 }],
    ['ffmpeg version n7.0 Copyright', { major: 7, minor: 0 }],
    ['ffmpeg version N-109741-gbbe95f7353 Copyright', undefined],
    ['', undefined],
  ])('in %p', (text, version) => {
    expect(parseFfmpegVersion(text)).toEqual(version);
  });
});
