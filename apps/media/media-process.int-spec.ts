/** @needs s3 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { openEngines, type Engines } from '#adapters/engines';
import type { BlobStore } from '#ports';
import { readSharedSettings } from '#runtime';
import { startS3 } from '../../test/constellation/engines/index.ts';
import { FaultProxy } from '../../test/constellation/fault-proxy.ts';
import { runMigrations } from '#migrations';
import { flvSource } from './testing/flv-source.ts';
import { joinedBytes, PublishedStream, until, type Segment } from './testing/published-stream.ts';
import { TestRelay } from './testing/test-relay.ts';
import { watchAudio, watchVideo } from './testing/watch.ts';

const ladder = [
  { name: '180p', height: 180, videoBitrate: 300_000 },
  { name: '90p', height: 90, videoBitrate: 100_000 },
];

let postgres: TemporaryPostgres;
let folder: string;
let engines: Engines<'log' | 'blobs'>;
let relay: TestRelay;
let stream: PublishedStream;
let processes: ChildProcess[];
/** What the processes of a test have said. */
let said: string;

beforeAll(async () => {
  postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
}, 240_000);
afterAll(() => postgres.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-media-'));
  // Each test has a log of its own.
  await unbindLog();
  engines = await openEngines(readSharedSettings({ STREAMS_DATA_DIR: folder }), 'log', 'blobs');
  processes = [];
  said = '';
  relay = new TestRelay();
  await relay.listen();
  stream = new PublishedStream(engines.log);
  await stream.create(ladder);
});

afterEach(async () => {
  for (const one of processes) await ended(one, 'SIGKILL');
  await relay.stop();
  await engines.close();
  await rm(folder, { recursive: true, force: true });
});

async function unbindLog(): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('DELETE FROM streams.bound_log');
  // Nor does a test wait until the processes of the one before are taken for dead.
  await client.query(`DELETE FROM streams.leases WHERE starts_with(name, 'name/')`);
  await client.end();
}

async function ended(one: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (one.exitCode !== null || one.signalCode !== null) return;
  one.kill(signal);
  await once(one, 'exit');
}

/** The app as it is deployed, until it says that it is ready. */
async function startProcess(id: string, environment: Record<string, string> = {}): Promise<ChildProcess> {
  const env = {
    PATH: process.env['PATH'],
    STREAMS_DATA_DIR: folder,
    DATABASE_URL: postgres.url,
    MEDIA_ID: id,
    MEDIA_PRESET: 'ultrafast',
    MEDIA_LEASE_TTL_MS: '2000',
    ...environment,
  };
  const child = spawn(process.execPath, ['--no-warnings', 'dist/apps/media/main.js'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  let text = '';
  const watch = child.stdout as NodeJS.ReadableStream;
  watch.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    said += chunk;
  });
  await until(`${id} is ready`, () => text.includes('"ready":true') || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error(text);
  return child;
}

/** Encoders that run, by the records of the process runner; a pid whose process is gone or a zombie does not count. */
async function encoders(): Promise<number[]> {
  const names = await readdir(join(folder, 'run')).catch(() => []);
  const pids = names.flatMap((name) => /^child-(\d+)\.json$/.exec(name)?.[1] ?? []);
  const running = await Promise.all(
    pids.map((pid) =>
      readFile(`/proc/${pid}/stat`, 'utf8').then(
        (stat) => !/\) Z /.test(stat),
        () => false,
      ),
    ),
  );
  return pids.filter((_, n) => running[n]).map(Number);
}

const reasons = async (): Promise<string[]> => (await stream.events()).flatMap((event) => (event.type === 'encoding.ended' ? [event.data.reason] : []));

/** Every rendition has the same numbers, each once, counting up, without a break; every byte decodes. */
async function expectWhole(blobs: BlobStore = engines.blobs): Promise<Segment[]> {
  for (const rendition of ['180p', '90p', 'audio']) {
    const segments = await stream.segments(rendition);
    segments.forEach(({ mediaSequence, discontinuity }, n) => {
      expect([mediaSequence, discontinuity]).toEqual([n, false]);
    });
    const bytes = await joinedBytes(blobs, segments);
    const { complaints } = await (rendition === 'audio' ? watchAudio(bytes, join(folder, 'a.mp4')) : watchVideo(bytes, join(folder, 'v.mp4'), 30));
    expect(complaints).toBe('');
  }
  return stream.segments('180p');
}

const seconds = (segments: readonly Segment[]): number => segments.reduce((sum, { durationUs }) => sum + durationUs, 0) / 1e6;

describe('the media process', () => {
  test('killed again and again, it goes on with the sequence, and nothing is lost', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 22 }));
    await stream.start('s1', relay.url);
    for (const enough of [1, 3, 5]) {
      const child = await startProcess('media-1');
      await until('segments', async () => (await stream.segments('180p')).length >= enough);
      await ended(child, 'SIGKILL');
      await until('its encoder went with it', async () => (await encoders()).length === 0);
    }
    await startProcess('media-1');
    await until('the session ended', async () => (await reasons()).includes('source-ended'));
    const segments = await expectWhole();
    expect(seconds(segments)).toBeCloseTo(22, 1);
    segments.slice(1).forEach(({ startUs, programDateTimeMs }, n) => {
      const before = segments[n] as Segment;
      expect([startUs, programDateTimeMs]).toEqual([before.startUs + before.durationUs, before.programDateTimeMs + before.durationUs / 1000]);
    });
    expect((await encoders()).length).toBe(0);
  }, 300_000);

  test('asked to end, it stores what it has, says so, and its successor continues', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 12, groupFrames: 300 }));
    await stream.start('s1', relay.url);
    const first = await startProcess('media-1');
    await until('a segment', async () => (await stream.segments('180p')).length >= 2);
    await ended(first, 'SIGTERM');
    expect(first.exitCode).toBe(0);
    expect(await reasons()).toEqual(['shutdown']);
    expect(await encoders()).toEqual([]);
    const stored = seconds(await stream.segments('180p'));
    expect(stored % 2).not.toBe(0);
    await startProcess('media-1');
    await until('the session ended', async () => (await reasons()).includes('source-ended'));
    const segments = await expectWhole();
    // The publisher's group of pictures reaches back over the break: nothing is lost and nothing marked.
    expect(segments.some(({ discontinuity }) => discontinuity)).toBe(false);
    expect(seconds(segments)).toBeCloseTo(12, 1);
    const ends = segments.map(({ startUs, durationUs }) => startUs + durationUs);
    expect(segments.slice(1).map(({ startUs }) => startUs)).toEqual(ends.slice(0, -1));
  }, 300_000);

  test('a second process waits, and takes over when the first is killed', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 24 }));
    await stream.start('s1', relay.url);
    const first = await startProcess('media-1');
    await until('it encodes', async () => (await encoders()).length === 1);
    await startProcess('media-2');
    await until('a segment', async () => (await stream.segments('180p')).length >= 1);
    await ended(first, 'SIGKILL');
    await until('the session ended', async () => (await reasons()).includes('source-ended'), 60_000);
    const segments = await expectWhole();
    expect(seconds(segments)).toBeCloseTo(24, 1);
    const epochs = (await stream.events()).flatMap((event) => (event.type === 'encoding.started' ? [event.data.epoch] : []));
    expect(epochs).toEqual([...new Set(epochs)].toSorted((a, b) => a - b));
    expect(epochs).toHaveLength(2);
  }, 300_000);

  test('an S3 server that is busy, loses answers and refuses the key: segments wait, and none is lost', async () => {
    const s3 = await startS3();
    const proxy = await FaultProxy.start(s3.endpoint);
    const stored = await openEngines(readSharedSettings({ ...s3.env, STREAMS_DATA_DIR: folder }), 'blobs');
    try {
      const source = await flvSource({ folder, seconds: 26 });
      await startProcess('media-1', { ...s3.env, S3_ENDPOINT: proxy.url });
      relay.open('s1', source);
      await stream.start('s1', relay.url);
      await until('a segment', async () => (await stream.segments('180p')).length >= 1);
      proxy.plan('lose-answer', 4, /^PUT/);
      proxy.plan('busy', 10_000);
      await until('the wait is told', () => said.includes('segments wait: a store or the log takes nothing'));
      proxy.heal();
      const before = (await stream.segments('180p')).length;
      await until('more segments', async () => (await stream.segments('180p')).length > before);
      proxy.plan('forge', 10_000);
      await until('the refusal is told', () => said.includes('segments wait until somebody mends this'));
      proxy.heal();
      await until('the session ended', async () => (await reasons()).includes('source-ended'));
      const segments = await expectWhole(stored.blobs);
      expect(segments.some(({ discontinuity }) => discontinuity)).toBe(false);
      expect(seconds(segments)).toBeCloseTo(26, 1);
      expect((await stream.delays()).map(({ reason }) => reason)).toContain('store-unavailable');
      expect(await reasons()).toEqual(['source-ended']);
    } finally {
      await stored.close();
      await proxy.stop();
      await s3.stop();
    }
  }, 300_000);

  test('without ffmpeg it says in one sentence what to do', async () => {
    await expect(startProcess('media-1', { FFMPEG_PATH: '/nowhere/ffmpeg' })).rejects.toThrow(
      /media cannot start: ffmpeg was not found as \/nowhere\/ffmpeg: install it/,
    );
  }, 240_000);
});
