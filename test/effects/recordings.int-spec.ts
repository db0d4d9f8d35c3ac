/** @needs ffmpeg */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import { segmentProduced } from '#events';
import { EffectWorkers } from '#runtime';
import { pino } from 'pino';
import { announceEncoding, announceEncodingEnd } from '../../apps/gateway/testing/stream-facts.ts';
import { RecordingWorker } from '../../apps/media/recording/recording-worker.ts';
import { EffectWorld } from './effect-world.ts';

const logger = pino({ level: 'silent' });
let world: EffectWorld;
let folder: string;
let workers: EffectWorkers;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-recordings-'));
  world = await EffectWorld.open();
  const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
  const { program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
  const { blobs } = world.world.engines;
  const { log, reads, effects, jobs, clock, ids } = world.engines;
  const worker = new RecordingWorker({ concurrency: 1, folder: join(folder, 'work') }, { log, reads, blobs, clock, runner, program, logger });
  workers = new EffectWorkers({ workers: [worker], owner: 'test/media' }, { effects, jobs, clock, ids, source: '/media/test', logger });
  await workers.start();
});
afterAll(async () => {
  await workers.stop();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

/** CMAF of a test picture and a tone, cut as the packager cuts: an initialisation and segments of 2 s, per rendition. */
async function media(size: string): Promise<Record<string, { readonly init: Uint8Array; readonly segments: readonly Uint8Array[] }>> {
  const at = await mkdtemp(join(folder, 'media-'));
  const source = ['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=30:duration=6`, '-f', 'lavfi', '-i', 'sine=frequency=440:duration=6'];
  const cut = ['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4'];
  const made: Record<string, { readonly init: Uint8Array; readonly segments: readonly Uint8Array[] }> = {};
  for (const [name, argv] of [
    ['720p', ['-map', '0:v', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0']],
    ['audio', ['-map', '1:a', '-c:a', 'aac']],
  ] as const) {
    const out = ['-hls_fmp4_init_filename', `${name}.init.mp4`, '-hls_segment_filename', join(at, `${name}-%d.m4s`), join(at, `${name}.m3u8`)];
    execFileSync('ffmpeg', ['-loglevel', 'error', '-nostdin', ...source, ...argv, ...cut, ...out], { stdio: 'pipe' });
    const names = (await readdir(at)).filter((one) => one.startsWith(`${name}-`)).toSorted();
    made[name] = { init: await readFile(join(at, `${name}.init.mp4`)), segments: await Promise.all(names.map((one) => readFile(join(at, one)))) };
  }
  return made;
}

async function announce(streamId: string, size: string, first: number): Promise<void> {
  const { blobs } = world.world.engines;
  for (const [rendition, { init, segments }] of Object.entries(await media(size))) {
    const { cid: initCid, sizeBytes: initSizeBytes } = await blobs.put(init);
    for (const [at, bytes] of segments.slice(0, 3).entries()) {
      const { cid, sizeBytes } = await blobs.put(bytes);
      const mediaSequence = first + at;
      const times = { durationUs: 2_000_000, startUs: mediaSequence * 2_000_000, programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000 };
      const about = { streamId, sessionId: 's-1', rendition, epoch: 1, mediaSequence, cid, sizeBytes, initCid, initSizeBytes, discontinuity: at === 0 };
      await world.world.facts.publish('stream', [segmentProduced.draft({ ...about, ...times })], { producer: { id: `media:${streamId}`, epoch: 1n } });
    }
  }
}

async function stopped(prepare: (streamId: string) => Promise<void>): Promise<string> {
  const { id } = (await world.ask('POST', '/api/v1/stream/start', { name: 'test' })).json;
  await prepare(id);
  expect((await world.ask('POST', '/api/v1/stream/stop', { id })).status).toBe(200);
  return id;
}

async function recordingOf(id: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { json } = await world.ask('GET', `/api/v1/streams/${id}`);
    if (json.recording !== null) return json.recording;
    await sleep(50);
  }
}

async function fetched(url: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${world.gateway.url}${new URL(String(url)).pathname}`, { headers });
}

interface Probed {
  readonly format: { readonly duration: string };
  readonly streams: ReadonlyArray<{ readonly codec_name: string; readonly start_time: string; readonly nb_read_packets: string }>;
}

async function probed(bytes: Uint8Array): Promise<Probed> {
  const path = join(folder, 'probed.mp4');
  await writeFile(path, bytes);
  const argv = ['-v', 'error', '-of', 'json', '-count_packets', '-show_format', '-show_streams', path];
  return JSON.parse(execFileSync('ffprobe', argv, { encoding: 'utf8' })) as Probed;
}

test('a stopped stream becomes one file with sound and picture, and a poster, both served with ranges', async () => {
  const id = await stopped(async (streamId) => {
    await announceEncoding(world.world, streamId);
    await announce(streamId, '320x180', 0);
    await announceEncodingEnd(world.world, streamId);
  });
  const recording = await recordingOf(id);
  expect(recording).toMatchObject({ status: 'finished', reason: null, width: 320, height: 180 });
  const file = new Uint8Array(await (await fetched(recording['mp4Url'])).arrayBuffer());
  expect(file.length).toBe(recording['bytes']);
  const { streams, format } = await probed(file);
  expect(streams.map(({ codec_name: codec }) => codec)).toEqual(['h264', 'aac']);
  expect(Number(streams[0]?.nb_read_packets)).toBe(180);
  expect(Math.abs(Number(format.duration) - 6)).toBeLessThan(0.2);
  expect(Buffer.from(file).indexOf('moov')).toBeLessThan(Buffer.from(file).indexOf('mdat'));
  const part = await fetched(recording['mp4Url'], { range: 'bytes=4-7' });
  expect([part.status, await part.text()]).toEqual([206, 'ftyp']);
  const poster = await fetched(recording['posterUrl']);
  expect([poster.status, poster.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  expect([...new Uint8Array(await poster.arrayBuffer()).subarray(0, 2)]).toEqual([0xff, 0xd8]);
}, 60_000);

test('encoders that changed and time without a segment stay in it; the same again is the same file', async () => {
  const id = await stopped(async (streamId) => {
    await announceEncoding(world.world, streamId);
    await announce(streamId, '320x180', 0);
    await announce(streamId, '160x90', 8);
    await announceEncodingEnd(world.world, streamId);
  });
  const recording = await recordingOf(id);
  const file = new Uint8Array(await (await fetched(recording['mp4Url'])).arrayBuffer());
  const { streams, format } = await probed(file);
  expect(Number(streams[0]?.nb_read_packets)).toBe(360);
  expect(Math.abs(Number(format.duration) - 22)).toBeLessThan(0.3);
  const key = (await world.ask('GET', '/api/v1/effects?kind=recording-finish&limit=1')).json.items[0]?.id ?? '';
  await world.ask('POST', `/api/v1/effects/${key}/retry`, { reason: 'again' });
  while ((await world.engines.effects.show(key))?.round !== 1 || (await world.engines.effects.show(key))?.state === 'pending') await sleep(50);
  await world.world.settle();
  expect((await recordingOf(id))['mp4Url']).toBe(recording['mp4Url']);
}, 90_000);

test('a stream that never had a segment has none, and says so', async () => {
  const id = await stopped(() => Promise.resolve());
  expect(await recordingOf(id)).toMatchObject({ status: 'failed', reason: expect.stringContaining('no-segments'), mp4Url: null });
}, 60_000);
