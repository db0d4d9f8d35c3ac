/** @needs ffmpeg */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { openEngines, type Engines } from '#adapters/engines';
import type { FlvTag } from '#core/flv';
import { runMigrations } from '#migrations';
import { pause, readSharedSettings } from '#runtime';
import { IngestNode } from '../../apps/ingest/testing/ingest-harness.ts';
import { firstShownMs, flvSource } from '../../apps/media/testing/flv-source.ts';
import { joinedBytes, PublishedStream, until } from '../../apps/media/testing/published-stream.ts';
import { watchAudio, watchVideo } from '../../apps/media/testing/watch.ts';
import { RtmpPublisher } from './rtmp-publisher.ts';

const seconds = 14;
/** How long nobody reads what is published, ms: about as long as a busy machine takes to start a process again. */
const awayMs = 4000;
/** How long the publisher sends nothing, ms. */
const waitsMs = 1000;

let postgres: TemporaryPostgres;
let folder: string;
let engines: Engines<'log' | 'blobs'>;
let ingest: IngestNode;
let processes: ChildProcess[];

beforeEach(async () => {
  postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
  folder = await mkdtemp(join(tmpdir(), 'streams-media-restart-'));
  engines = await openEngines(readSharedSettings({ STREAMS_DATA_DIR: folder }), 'log', 'blobs');
  ingest = await IngestNode.start();
  processes = [];
}, 240_000);

afterEach(async () => {
  for (const one of processes) await end(one, 'SIGKILL');
  await ingest.stop();
  await engines.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The app as it is deployed, until it says that it is ready. */
async function startMedia(): Promise<ChildProcess> {
  const env = { PATH: process.env['PATH'], STREAMS_DATA_DIR: folder, DATABASE_URL: postgres.url, MEDIA_PRESET: 'ultrafast', MEDIA_LEASE_TTL_MS: '2000' };
  const child = spawn(process.execPath, ['--no-warnings', 'dist/apps/media/main.js'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await until('media is ready', () => text.includes('"ready":true') || child.exitCode !== null);
  return child;
}

async function end(one: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (one.exitCode !== null || one.signalCode !== null) return;
  one.kill(signal);
  await once(one, 'exit');
}

/** A publisher that is there at once, as encoders that wait for their signal are, and then sends in real time; answers when it began to, once it has sent all and left. */
async function publish(tags: readonly FlvTag[], key: string): Promise<number> {
  const one = await RtmpPublisher.publish({ host: '127.0.0.1', port: ingest.ports.rtmpPort, app: 'live', streamName: key });
  await pause(waitsMs);
  const beganAt = Date.now();
  const began = performance.now();
  for (const tag of tags) {
    const aheadMs = tag.timestampMs - (performance.now() - began);
    if (aheadMs > 10) {
      one.flush();
      await pause(aheadMs);
    }
    one.sendTag(tag);
  }
  one.flush();
  one.unpublish(key);
  return beganAt;
}

test.each([
  ['carries a stream', 'SIGKILL', { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true }],
  ['encodes a stream', 'SIGKILL', { name: '180p', height: 180, videoBitrate: 300_000 }],
  ['carries a stream', 'SIGTERM', { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true }],
] as const)(
  'a media process that %s and ends by %s loses nothing: what is published until it is back is in the recording',
  async (_what, signal, rung) => {
    const stream = new PublishedStream(engines.log);
    await stream.create([rung]);
    const tags = await flvSource({ folder, seconds });
    const key = await ingest.createStream('st-aaaaaaaa');
    const first = await startMedia();
    const published = publish(tags, key);
    const { data } = await ingest.engines.eventually('stream.started');
    await stream.start(data.sessionId, data.relayUrl);
    await until('segments', async () => (await stream.segments(rung.name)).length >= 2);
    await end(first, signal);
    await pause(awayMs);
    await startMedia();
    const beganAt = await published;
    const isOver = async (): Promise<boolean> =>
      (await stream.events()).some((event) => event.type === 'encoding.ended' && event.data.reason === 'source-ended');
    await until('the session ended', isOver);
    const segments = await stream.segments(rung.name);
    segments.forEach(({ mediaSequence, discontinuity, startUs, durationUs }, n) => {
      expect([mediaSequence, discontinuity]).toEqual([n, false]);
      if (n + 1 < segments.length) expect(startUs + durationUs).toBe(segments[n + 1]?.startUs);
    });
    // Programme time is when the first frame came, for the packager that was away as well.
    const runs = (await stream.events()).flatMap((event) => (event.type === 'encoding.started' ? [event] : []));
    const [zeroMs = 0] = runs.map(({ data }) => data.startedAtMs ?? 0);
    expect(runs.map((one) => one.data.startedAtMs)).toEqual([zeroMs, zeroMs]);
    expect([zeroMs >= beganAt, zeroMs <= (runs[0]?.time ?? 0)]).toEqual([true, true]);
    expect(segments.map(({ programDateTimeMs, startUs }) => programDateTimeMs - Math.floor(startUs / 1000))).toEqual(
      segments.map(() => zeroMs + firstShownMs(tags)),
    );
    // The last picture lasts as long as the others.
    expect(segments.reduce((sum, { durationUs }) => sum + durationUs, 0) / 1e6).toBeCloseTo(seconds, 1);
    const video = await watchVideo(await joinedBytes(engines.blobs, segments), join(folder, 'v.mp4'), 30);
    const audio = await watchAudio(await joinedBytes(engines.blobs, await stream.segments('audio')), join(folder, 'a.mp4'));
    expect([video.complaints, audio.complaints]).toEqual(['', '']);
    const every = Array.from({ length: seconds }, (_, n) => n);
    expect(video.marks.map(Math.round)).toEqual(every);
    expect(audio.marks.map(Math.round)).toEqual(every);
  },
  120_000,
);
