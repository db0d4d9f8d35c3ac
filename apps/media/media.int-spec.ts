import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { tagType } from '#core/flv';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import { MemoryBlobStore, MemoryEventLog, MemoryLeaseStore } from '#adapters/memory';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { createLogger, FactPublisher, type Logger } from '#runtime';
import { LiveEdges } from './edge/live-edges.ts';
import { StreamFollower } from './fold/stream-follower.ts';
import { LiveStream, type LiveStreamDeps } from './live/live-stream.ts';
import { StreamDirector } from './live/stream-director.ts';
import { enhancedSource, type EnhancedSourceInit } from '../../test/interop/enhanced-source.ts';
import { EncoderSessions, type WorkingEncoder } from './run/encoder-sessions.ts';
import { readyFfmpeg } from './run/ready-ffmpeg.ts';
import { flvSource } from './testing/flv-source.ts';
import { hlsFolder, probe } from './testing/hls-folder.ts';
import { joinedBytes, PublishedStream, until, type Segment } from './testing/published-stream.ts';
import { TestRelay } from './testing/test-relay.ts';
import { watchAudio, watchVideo } from './testing/watch.ts';

const ladder = [
  { name: '180p', height: 180, videoBitrate: 300_000 },
  { name: '90p', height: 90, videoBitrate: 100_000 },
];

let folder: string;
let logger: Logger;
let log: MemoryEventLog;
let leases: MemoryLeaseStore;
let blobs: MemoryBlobStore;
let relay: TestRelay;
let stream: PublishedStream;
let media: StreamDirector[];
let followers: StreamFollower[];
let served: LiveEdges[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-media-'));
  logger = await createLogger({ name: 'media', node: 'test', logFormat: 'json', logLevel: process.env['TEST_LOG'] ?? 'silent' });
  log = new MemoryEventLog(new SystemClock());
  leases = new MemoryLeaseStore(new SystemClock());
  blobs = new MemoryBlobStore();
  relay = new TestRelay();
  await relay.listen();
  stream = new PublishedStream(log);
  await stream.create(ladder);
  media = [];
  followers = [];
  served = [];
});

afterEach(async () => {
  await Promise.all(media.map((one) => one.stop()));
  await Promise.all(followers.map((one) => one.stop()));
  for (const edges of served) edges.close();
  await relay.stop();
  const left = await encoders();
  if (left.length > 0) throw new Error(`encoders are left: ${left.join()}`);
  await rm(folder, { recursive: true, force: true });
});

/** Pids of the encoders that run, from the records of the process runner. */
async function encoders(): Promise<number[]> {
  const names = await readdir(join(folder, 'run')).catch(() => []);
  return names.flatMap((name) => /^child-(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
}

async function startMedia(owner = 'node-1/media-1', working: readonly WorkingEncoder[] = []): Promise<StreamDirector> {
  const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
  const { program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
  const follower = new StreamFollower({ snapshotPath: join(folder, 'run', `${followers.length}.fold.json`) }, { log, logger });
  const facts = new FactPublisher({ log, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/media/test', actor: 'system:media' });
  const edges = new LiveEdges({ on: true, host: '127.0.0.1', port: 0, publicHost: '127.0.0.1' }, logger);
  await edges.listen();
  served.push(edges);
  const encoders = new EncoderSessions(working, new SystemClock());
  const deps: LiveStreamDeps = { leases, blobs, facts, follower, runner, encoders, logger };
  const director = new StreamDirector(
    { streamsMax: 4, retryMs: 300 },
    {
      follower,
      logger,
      encode: (streamId, stop) =>
        new LiveStream(
          {
            ...{ streamId, owner, node: 'node-1', program, preset: 5, vaapiDevice: '/dev/null', leaseTtlMs: 2000, feedBytesMax: 8_000_000 },
            ...{ failoverSilenceMs: 2000, failoverReturnMs: 3000 },
            ...edges.of(streamId),
          },
          deps,
        ).run(stop),
    },
  );
  followers.push(follower);
  media.push(director);
  await follower.start();
  director.start();
  return director;
}

const endReasons = async (): Promise<string[]> => (await stream.events()).flatMap((event) => (event.type === 'encoding.ended' ? [event.data.reason] : []));
const sequences = (segments: readonly Segment[]): number[] => segments.map(({ mediaSequence }) => mediaSequence);
const fromZero = (length: number): number[] => Array.from({ length }, (_, n) => n);

/** Every second from `first` on, within `tolerance` seconds. */
function expectSeconds(marks: readonly number[], first: number, tolerance: number): void {
  marks.forEach((mark, n) => expect(Math.abs(mark - first - n)).toBeLessThan(tolerance));
}

/** Players bridge a hole of this size without a discontinuity, as hls.js does with its `maxBufferHole` of 0.1 s. */
const soundHoleUsMax = 100_000;

/** What must hold of every stream, whatever happened to it. */
async function expectSound(): Promise<Segment[]> {
  const leader = await stream.segments('180p');
  for (const rendition of ['180p', '90p', 'audio']) {
    const segments = await stream.segments(rendition);
    expect(sequences(segments)).toEqual(fromZero(leader.length));
    segments.forEach((segment, n) => {
      expect(segment.discontinuity).toBe(leader[n]?.discontinuity);
      const before = segments[n - 1];
      if (before === undefined || segment.discontinuity) return;
      // Where another process takes over, the relay's oldest sound may begin a few frames after the stored sound ends.
      expect(Math.abs(segment.startUs - before.startUs - before.durationUs)).toBeLessThan(rendition === 'audio' ? soundHoleUsMax : 1);
    });
    const { complaints } = await (rendition === 'audio'
      ? watchAudio(await joinedBytes(blobs, segments), join(folder, 'a.mp4'))
      : watchVideo(await joinedBytes(blobs, segments), join(folder, 'v.mp4'), 30));
    expect(complaints).toBe('');
  }
  return leader;
}

/** A real demuxer reads the playlists without a complaint and finds every frame of every rendition. */
async function expectPlaylists(seconds: number): Promise<void> {
  const started = (await stream.events()).flatMap((event) => (event.type === 'encoding.started' ? [event.data] : []));
  const segments = await stream.segments();
  const renditions = started[0]?.renditions ?? [];
  const { complaints, streams, duration } = await probe(await hlsFolder(folder, blobs, renditions, segments));
  expect(complaints).toBe('');
  expect(duration).toBeCloseTo(seconds, 1);
  expect(streams.map(({ codec_name, height }) => height ?? codec_name)).toEqual(expect.arrayContaining([180, 90, 'aac']));
  for (const video of streams.filter(({ codec_name }) => codec_name === 'h264')) expect(video.packets).toBe(seconds * 30);
  // What is announced as the peak is never exceeded.
  for (const { rendition, sizeBytes, durationUs } of segments) {
    const announced = renditions.find(({ name }) => name === rendition)?.bandwidth ?? 0;
    if (durationUs >= 1.9e6) expect((sizeBytes * 8e6) / durationUs).toBeLessThanOrEqual(announced);
  }
}

/** The publisher made each run of an encoder start, and a run made its segments, in the order of the runs. @returns runs with segments */
async function expectCauses(): Promise<number> {
  const events = await stream.events();
  const runs = events.filter(({ type }) => type === 'encoding.started');
  const started = events.find(({ type }) => type === 'stream.started');
  for (const { causationId } of runs) expect(causationId).toBe(started?.id);
  const made = events.filter(({ type }) => type === 'segment.produced').map(({ causationId }) => runs.findIndex(({ id }) => id === causationId));
  expect(made).not.toContain(-1);
  expect(made).toEqual(made.toSorted((a, b) => a - b));
  const ends = events.filter(({ type }) => type === 'encoding.ended').map(({ causationId }) => causationId);
  expect(ends).toEqual(runs.map(({ id }) => id));
  return new Set(made).size;
}

describe('a live stream', () => {
  test('becomes aligned segments on the grid that decode and stay in sync; the tail is not lost', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 7 }));
    await stream.start('s1', relay.url);
    await startMedia();
    await until('the encoder ended', async () => (await endReasons()).length === 1);
    expect(await endReasons()).toEqual(['source-ended']);
    const segments = await expectSound();
    expect(segments.map(({ startUs, durationUs }) => [startUs, durationUs])).toEqual([
      [0, 2e6],
      [2e6, 2e6],
      [4e6, 2e6],
      [6e6, 1e6],
    ]);
    const video = await watchVideo(await joinedBytes(blobs, segments), join(folder, 'v.mp4'), 30);
    const audio = await watchAudio(await joinedBytes(blobs, await stream.segments('audio')), join(folder, 'a.mp4'));
    expect(video.marks).toHaveLength(7);
    expect(audio.marks).toHaveLength(7);
    expectSeconds(video.marks, video.marks[0] as number, 0.034);
    video.marks.forEach((mark, n) => expect(Math.abs(mark - (audio.marks[n] as number))).toBeLessThan(0.04));
    const started = (await stream.events()).find((event) => event.type === 'encoding.started');
    expect(started?.data).toMatchObject({ source: { videoCodec: 'h264', audioCodec: 'aac', width: 320, height: 180, frameRate: 30 } });
    const clock = segments.map(({ programDateTimeMs, startUs }) => programDateTimeMs - startUs / 1000);
    expect(new Set(clock).size).toBe(1);
    await expectPlaylists(7);
  }, 240_000);

  test('has rungs of H.265 where they are asked for', async () => {
    log = new MemoryEventLog(new SystemClock());
    stream = new PublishedStream(log);
    await stream.create(ladder.map((rung, at) => (at === 0 ? { ...rung, codec: 'hevc' } : rung)));
    relay.open('s1', await flvSource({ folder, seconds: 5 }));
    await stream.start('s1', relay.url);
    await startMedia();
    await until('the encoder ended', async () => (await endReasons()).length === 1);
    expect(await endReasons()).toEqual(['source-ended']);
    await expectSound();
    const started = (await stream.events()).find((event) => event.type === 'encoding.started');
    expect(started?.data).toMatchObject({
      encoder: 'libx265:libx264',
      renditions: [{ codecs: 'hvc1.1.6.L63.90' }, { codecs: 'avc1.640015' }, { kind: 'audio' }],
    });
    const [segment] = await stream.segments('180p');
    expect(segment?.track?.codecs).toBe('hvc1.1.6.L63.90');
  }, 240_000);

  const x265 = { fourCc: 'hvc1', encode: ['-c:v', 'libx265', '-preset', 'ultrafast', '-g', '60', '-x265-params', 'log-level=none:bframes=2:scenecut=0'] };
  const aom = { fourCc: 'av01', encode: ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-g', '60', '-b:v', '200k'] };

  test.each<[string, string, Omit<EnhancedSourceInit, 'folder' | 'seconds'>]>([
    ['hevc', 'opus', { video: x265, audio: { fourCc: 'Opus', encode: ['-c:a', 'libopus'] } }],
    ['av1', 'flac', { video: aom, audio: { fourCc: 'fLaC', encode: ['-c:a', 'flac'] } }],
    ['hevc', 'mp3', { video: x265, audio: { fourCc: '.mp3', encode: ['-c:a', 'libmp3lame'] } }],
  ])(
    'of Enhanced RTMP, %s with %s, becomes segments in sync',
    async (videoCodec, audioCodec, source) => {
      relay.open('s1', await enhancedSource({ folder, seconds: 5, ...source }));
      await stream.start('s1', relay.url);
      await startMedia();
      await until('the encoder ended', async () => (await endReasons()).length === 1);
      expect(await endReasons()).toEqual(['source-ended']);
      const segments = await expectSound();
      // Nobody says how long the last picture of such a stream lasts: it may be left out.
      expect(segments.reduce((sum, { durationUs }) => sum + durationUs, 0)).toBeGreaterThanOrEqual(4.96e6);
      const video = await watchVideo(await joinedBytes(blobs, segments), join(folder, 'v.mp4'), 30);
      const audio = await watchAudio(await joinedBytes(blobs, await stream.segments('audio')), join(folder, 'a.mp4'));
      expect(video.marks).toHaveLength(5);
      expectSeconds(video.marks, video.marks[0] as number, 0.034);
      video.marks.forEach((mark, n) => expect(Math.abs(mark - (audio.marks[n] as number))).toBeLessThan(0.06));
      const started = (await stream.events()).find((event) => event.type === 'encoding.started');
      expect(started?.data).toMatchObject({ source: { videoCodec, audioCodec, width: 320, height: 180 } });
    },
    240_000,
  );

  test('a killed encoder loses nothing: same sequence, no discontinuity, no frame missing', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 11 }));
    await stream.start('s1', relay.url);
    await startMedia();
    for (const enough of [1, 3]) {
      await until('segments', async () => (await stream.segments('180p')).length >= enough);
      const [pid, ...others] = await encoders();
      expect(others).toEqual([]);
      process.kill(pid as number, 'SIGKILL');
    }
    await until('the session ended', async () => (await endReasons()).includes('source-ended'));
    expect(await endReasons()).toEqual(['crashed', 'crashed', 'source-ended']);
    expect(await expectCauses()).toBe(3);
    const segments = await expectSound();
    expect(segments.map(({ durationUs }) => durationUs)).toEqual([2e6, 2e6, 2e6, 2e6, 2e6, 1e6]);
    expect(segments.some(({ discontinuity }) => discontinuity)).toBe(false);
    const video = await watchVideo(await joinedBytes(blobs, segments), join(folder, 'v.mp4'), 30);
    const audio = await watchAudio(await joinedBytes(blobs, await stream.segments('audio')), join(folder, 'a.mp4'));
    expect([video.marks.length, audio.marks.length]).toEqual([11, 11]);
    expectSeconds(video.marks, video.marks[0] as number, 0.034);
    video.marks.forEach((mark, n) => expect(Math.abs(mark - (audio.marks[n] as number))).toBeLessThan(0.04));
  }, 240_000);

  test('an encoder that stops working is noticed by its output, and replaced without a loss', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 16 }));
    await stream.start('s1', relay.url);
    await startMedia();
    await until('a segment', async () => (await stream.segments('180p')).length >= 1);
    process.kill((await encoders())[0] as number, 'SIGSTOP');
    await until('the session ended', async () => (await endReasons()).includes('source-ended'), 60_000);
    expect(await endReasons()).toEqual(['stalled', 'source-ended']);
    const segments = await expectSound();
    expect(segments.reduce((sum, { durationUs }) => sum + durationUs, 0)).toBe(16e6);
    expect(segments.some(({ discontinuity }) => discontinuity)).toBe(false);
  }, 90_000);

  test('a publisher who comes back continues the numbering on the grid, behind a discontinuity', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 3 }));
    await stream.start('s1', relay.url);
    await startMedia();
    await until('the first session ended', async () => (await endReasons()).length === 1);
    await stream.interrupt('s1');
    relay.open('s2', await flvSource({ folder, seconds: 3, size: '160x90' }));
    await stream.start('s2', relay.url);
    await until('the second session ended', async () => (await endReasons()).length === 2);
    const segments = await stream.segments('180p');
    expect(segments.map(({ mediaSequence, startUs, discontinuity, sessionId }) => [mediaSequence, startUs, discontinuity, sessionId])).toEqual([
      [0, 0, false, 's1'],
      [1, 2e6, false, 's1'],
      [2, 4e6, true, 's2'],
      [3, 6e6, false, 's2'],
    ]);
    expect(sequences(await stream.segments('audio'))).toEqual([0, 1, 2, 3]);
    await expectPlaylists(6);
    await stream.stop();
    await until('nothing runs', async () => (await encoders()).length === 0);
  }, 240_000);

  test('a relay that breaks is connected to again', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 8 }));
    await stream.start('s1', relay.url);
    await startMedia();
    await until('a segment', async () => (await stream.segments('180p')).length >= 1);
    relay.breakConnections();
    await until('the session ended', async () => (await endReasons()).length === 2);
    expect(relay.served).toBe(2);
    const segments = await stream.segments('180p');
    expect(sequences(segments)).toEqual(fromZero(segments.length));
    const total = segments.reduce((sum, { durationUs }) => sum + durationUs, 0);
    expect(total).toBeGreaterThan(5.9e6);
  }, 240_000);

  test.each([
    ['audio', { video: false }, ['audio']],
    ['video', { audio: false }, ['180p', '90p']],
  ])(
    '%s alone',
    async (_what, kinds, renditions) => {
      const tags = await flvSource({ folder, seconds: 5, ...kinds });
      await startMedia();
      relay.open('s1', tags);
      await stream.start('s1', relay.url);
      await until('the session ended', async () => (await endReasons()).length === 1);
      const segments = await stream.segments();
      expect(new Set(segments.map(({ rendition }) => rendition))).toEqual(new Set(renditions));
      for (const rendition of renditions) expect(sequences(await stream.segments(rendition))).toEqual([0, 1, 2]);
    },
    60_000,
  );
});

test('a microphone that stops for a while does not stop the picture', async () => {
  const tags = await flvSource({ folder, seconds: 16 });
  relay.open(
    's1',
    tags.filter(({ type, timestampMs }) => type !== tagType.audio || timestampMs < 3000 || timestampMs > 9000),
  );
  await stream.start('s1', relay.url);
  await startMedia();
  await until('the session ended', async () => (await endReasons()).length > 0, 40_000);
  // Silence stands in for it: one run, and sound beside every picture.
  expect(await endReasons()).toEqual(['source-ended']);
  const video = await stream.segments('180p');
  expect(sequences(video)).toEqual(fromZero(video.length));
  expect(video.reduce((sum, { durationUs }) => sum + durationUs, 0)).toBeGreaterThan(15e6);
  expect(sequences(await stream.segments('audio')).at(-1)).toBe(video.length - 1);
}, 240_000);

describe('several media processes', () => {
  test('one encodes; when it gives up the stream, the other continues it', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 12 }));
    await stream.start('s1', relay.url);
    const first = await startMedia('node-1/media-1');
    await until('the first encodes', async () => (await encoders()).length === 1);
    await startMedia('node-2/media-1');
    await until('segments', async () => (await stream.segments('180p')).length >= 2);
    expect(await encoders()).toHaveLength(1);
    await first.stop();
    await until('the session ended', async () => (await endReasons()).includes('source-ended'));
    expect((await endReasons())[0]).toBe('shutdown');
    const segments = await expectSound();
    expect(segments.reduce((sum, { durationUs }) => sum + durationUs, 0)).toBeGreaterThan(6e6);
    const epochs = (await stream.events()).flatMap((event) => (event.type === 'encoding.started' ? [event.data.epoch] : []));
    expect(new Set(epochs).size).toBe(2);
  }, 240_000);

  test('an owner whose lease was taken stores nothing more', async () => {
    relay.open('s1', await flvSource({ folder, seconds: 10 }));
    await stream.start('s1', relay.url);
    await startMedia('node-1/media-1');
    await until('a segment', async () => (await stream.segments('180p')).length >= 1);
    for (const lease of await leases.list('media/')) await leases.release(lease);
    expect(await leases.acquire('media/st-test', 'somebody', 60_000)).toBeDefined();
    await until('it noticed', async () => (await encoders()).length === 0);
    const before = (await stream.segments()).length;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await stream.segments()).length).toBe(before);
    expect(await endReasons()).toEqual([]);
  }, 240_000);
});

test('rungs whose hardware will not open are encoded in software, the others stay where they are', async () => {
  relay.open('s1', await flvSource({ folder, seconds: 6 }));
  await stream.start('s1', relay.url);
  // This machine has no such device: what a card says whose last session somebody else took a moment ago.
  await startMedia('node-1/media-1', [{ kind: 'vaapi', codecs: ['h264'], sessionsMax: 1 }]);
  await until('the session ended', async () => (await endReasons()).at(-1) === 'source-ended');
  const events = await stream.events();
  expect(events.flatMap((event) => (event.type === 'encoding.started' ? [event.data.encoder] : []))).toEqual(['h264_vaapi:libx264', 'libx264']);
  expect(await endReasons()).toEqual(['crashed', 'source-ended']);
  await expectSound();
}, 240_000);

test('the fold is kept and taken up again; one of another log is not', async () => {
  relay.open('s1', await flvSource({ folder, seconds: 3 }));
  await stream.start('s1', relay.url);
  await startMedia();
  await until('the session ended', async () => (await endReasons()).length === 1);
  const [director, follower] = [media.pop(), followers.pop()];
  const state = follower?.get('st-test');
  await director?.stop();
  await follower?.stop();
  const kept = JSON.parse(await readFile(join(folder, 'run', '0.fold.json'), 'utf8')) as { streams: unknown[] };
  expect(kept.streams).toEqual([state]);
  const again = new StreamFollower({ snapshotPath: join(folder, 'run', '0.fold.json') }, { log, logger });
  await again.start();
  expect(again.get('st-test')).toEqual(state);
  await again.stop();
  const other = new StreamFollower({ snapshotPath: join(folder, 'run', '0.fold.json') }, { log: new MemoryEventLog(new SystemClock()), logger });
  await other.start();
  expect(other.states()).toEqual([]);
  await other.stop();
}, 240_000);

test('a machine that is busy when media starts is waited for', async () => {
  const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
  const { program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
  const [named, asked] = [join(folder, 'ffmpeg'), join(folder, 'asked')];
  await writeFile(named, `#!/bin/sh\n[ -e ${asked} ] && exec ${program} "$@"\n: > ${asked}\nexec sleep 60\n`, { mode: 0o700 });
  const wait = { logger, signal: new AbortController().signal };
  await expect(readyFfmpeg(runner, { named, searchPath: '', withinMs: 5000 }, wait)).resolves.toMatchObject({ program: named });
  await readFile(asked);
});
