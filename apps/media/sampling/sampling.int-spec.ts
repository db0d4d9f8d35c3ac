/** @needs ffmpeg */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { FlvTag } from '#core/flv';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import { MemoryBlobStore, MemoryEventLog } from '#adapters/memory';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { decodeEvent, topicPartitions, type DomainEvent } from '#events';
import { createLogger, FactPublisher, type Logger } from '#runtime';
import { Sampling } from './sampling.ts';
import type { StreamSampler } from './stream-sampler.ts';
import { DecoderProcess } from './decoder-process.ts';
import type { KnownTrack } from './stretch.core.ts';

let folder: string;
let logger: Logger;
let decoder: DecoderProcess;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-sampling-'));
  logger = await createLogger({ name: 'media', node: 'test', logFormat: 'json', logLevel: 'silent' });
  const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
  ({ program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' }));
  decoder = new DecoderProcess({ program, folder: join(folder, 'samples'), runPath: join(folder, 'decoders') });
});

afterAll(async () => {
  decoder.close();
  await rm(folder, { recursive: true, force: true });
});

interface Made {
  readonly init: Uint8Array;
  readonly segments: readonly Uint8Array[];
}

/** Five segments of two seconds, as the packager cuts them. */
async function made(name: string, input: string, codec: readonly string[]): Promise<Made> {
  const at = await mkdtemp(join(folder, `${name}-`));
  const cut = ['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', 'init.mp4'];
  const out = ['-hls_segment_filename', join(at, '%d.m4s'), join(at, 'list.m3u8')];
  execFileSync(program, ['-loglevel', 'error', '-nostdin', '-f', 'lavfi', '-i', input, ...codec, ...cut, ...out], { stdio: 'pipe' });
  const names = (await readdir(at)).filter((one) => one.endsWith('.m4s')).toSorted();
  return { init: await readFile(join(at, 'init.mp4')), segments: await Promise.all(names.slice(0, 5).map((one) => readFile(join(at, one)))) };
}

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30', '-keyint_min', '30', '-sc_threshold', '0'];

const session = { sessionId: 's-1', endpoint: 'primary' as const, relayUrl: '', startedAtMs: 1_780_000_000_000, tenant: 'default' };

class Watched {
  readonly log = new MemoryEventLog(new SystemClock());
  readonly blobs = new MemoryBlobStore();
  readonly sampling: Sampling;
  readonly sampler: StreamSampler;

  constructor(everyMs: number) {
    const facts = new FactPublisher({ log: this.log, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/media/test', actor: 'system:media' });
    this.sampling = new Sampling({ facts, blobs: this.blobs, decoder }, everyMs);
    const init = { streamId: 'st-a', session, node: 'node-1', segmentDurationMs: 2000, openAlerts: new Map(), epoch: () => 1n };
    this.sampler = this.sampling.begin(init, logger);
  }

  /** Stores the segments as the packager does. */
  async store(picture: Made, sound: Made): Promise<void> {
    await this.log.ensureTopic('stream', topicPartitions);
    const put = async ({ init }: Made, size: object): Promise<KnownTrack> => ({
      initCid: (await this.blobs.put(init)).cid,
      width: undefined,
      height: undefined,
      ...size,
    });
    const tracks = new Map([
      ['240p', await put(picture, { width: 426, height: 240 })],
      ['audio', await put(sound, {})],
    ]);
    const times = (at: number) => ({ startUs: at * 2_000_000, durationUs: 2_000_000, startTicks: 0, durationTicks: 1, keyFrames: [] });
    for (let at = 0; at < picture.segments.length; at++) {
      const of = (rendition: string, { segments }: Made) => ({ rendition, bytes: segments[at] as Uint8Array, ...times(at) });
      this.sampler.stored({ mediaSequence: at, segments: [of('240p', picture), of('audio', sound)] }, tracks);
    }
  }

  async events(): Promise<readonly DomainEvent[]> {
    const found: DomainEvent[] = [];
    for (const { partition } of await this.log.heads('stream')) {
      const { records } = await this.log.read('stream', partition, 0n, { recordsMax: 1000, bytesMax: 10_000_000, waitMs: 0 });
      found.push(...records.map((record) => decodeEvent(record)));
    }
    return found;
  }

  /** The first event of the type that satisfies. */
  async until<Type extends DomainEvent['type']>(type: Type, satisfies: (event: Extract<DomainEvent, { type: Type }>) => boolean = () => true) {
    for (;;) {
      const found = (await this.events()).find((event) => event.type === type && satisfies(event as never));
      if (found !== undefined) return found as Extract<DomainEvent, { type: Type }>;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

test('a stream that moves and sounds: pictures side by side in one JPEG, figures, and no alert', async () => {
  const watched = new Watched(300);
  // When its time zero was is known by then.
  watched.sampler.begins({ session: { ...session, startedAtMs: 1_790_000_000_000 }, offsetMs: 0, encodingId: undefined });
  await watched.store(await made('v', 'testsrc=size=426x240:rate=15:duration=10', h264), await made('a', 'sine=frequency=440:duration=10', ['-c:a', 'aac']));
  const { data } = await watched.until('thumbnails.produced');
  expect(data).toMatchObject({
    mediaSequence: 0,
    startUs: 0,
    durationUs: 10_000_000,
    columns: 5,
    rows: 1,
    width: 256,
    height: 144,
    programDateTimeMs: 1_790_000_000_000,
  });
  const image = await watched.blobs.read(data.cid);
  const path = join(folder, 'image.jpg');
  await writeFile(path, image);
  const size = execFileSync(`${program.slice(0, program.lastIndexOf('/'))}/ffprobe`, [
    '-v',
    'error',
    '-of',
    'csv=p=0',
    '-show_entries',
    'stream=width,height',
    path,
  ]);
  expect(size.toString().trim()).toBe('1280,144');
  const sample = await watched.until('stream.measured', (event) => event.data.sound !== null);
  expect(sample.data.picture?.brightness).toBeGreaterThan(0.2);
  expect(sample.data.picture?.change).toBeGreaterThan(0.003);
  expect(sample.data.sound?.levelDb).toBeGreaterThan(-30);
  await watched.sampler.close();
  expect((await watched.events()).map(({ type }) => type)).not.toContain('stream.alert-raised');
}, 60_000);

test('a stretch that the session cuts short has as many pictures in its image, over equal parts of it', async () => {
  const watched = new Watched(60_000);
  const steps = 'color=black:size=426x240:rate=15:duration=6,geq=lum=40+60*floor(N/30):cb=128:cr=128';
  await watched.store(await made('v', steps, h264), await made('a', 'sine=frequency=440:duration=6', ['-c:a', 'aac']));
  await watched.sampler.close();
  const { data } = await watched.until('thumbnails.produced');
  expect(data).toMatchObject({ startUs: 0, durationUs: 6_000_000, columns: 5, rows: 1, width: 256, height: 144 });
  const argv = ['-v', 'error', '-i', 'pipe:0', '-vf', 'scale=5:1:flags=area,format=gray', '-f', 'rawvideo', 'pipe:1'];
  const brightness = [...execFileSync(program, argv, { input: await watched.blobs.read(data.cid) })].map((value) => Math.round(value / 50));
  expect(new Set(brightness).size).toBe(3);
  const [first, , third, , last] = brightness;
  expect(brightness).toEqual([first, first, third, third, last]);
}, 60_000);

test.each([
  ['AV1, whose decoder knows nothing of key frames alone', ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-g', '30', '-b:v', '200k']],
  ['four key frames in a segment', [...h264, '-g', '8', '-keyint_min', '8']],
])(
  '%s: one picture of each segment is looked at',
  async (_name, codec) => {
    const watched = new Watched(300);
    // Black but for a flash at the beginning of each second.
    const flashes = "color=white:size=426x240:rate=15:duration=10,drawbox=c=black:t=fill:enable='gt(mod(t,1),0.1)'";
    await watched.store(await made('v', flashes, codec), await made('a', 'sine=frequency=440:duration=10', ['-c:a', 'aac']));
    expect((await watched.until('thumbnails.produced')).data).toMatchObject({ columns: 5, width: 256, height: 144 });
    const { data } = await watched.until('stream.measured', (event) => event.data.picture !== null);
    expect(data.picture?.brightness).toBeGreaterThan(0.9);
    await watched.sampler.close();
    expect((await watched.events()).flatMap((event) => (event.type === 'stream.alert-raised' ? [event.data.alert] : []))).not.toContain('black');
  },
  60_000,
);

test('a picture that is black and does not move, and silence, are told, and over with the session', async () => {
  const watched = new Watched(300);
  await watched.store(await made('v', 'color=black:size=426x240:rate=15:duration=10', h264), await made('a', 'anullsrc=duration=10', ['-c:a', 'aac']));
  for (const alert of ['black', 'frozen', 'silence'] as const) await watched.until('stream.alert-raised', (event) => event.data.alert === alert);
  await watched.sampler.close();
  const cleared = (await watched.events()).flatMap((event) => (event.type === 'stream.alert-cleared' ? [`${event.data.alert} ${event.data.reason}`] : []));
  expect(cleared.toSorted()).toEqual(['black session-ended', 'frozen session-ended', 'silence session-ended']);
}, 60_000);

test('a picture that stood still because it was not sent is told until it is sent again, and not afterwards', async () => {
  const key = (timestampMs: number): FlvTag => ({ type: 9, timestampMs, body: Buffer.from([0x17, 1, 0, 0, 0, 0]) });
  const still = await made('v', 'color=gray:size=426x240:rate=15:duration=10', h264);
  const sound = await made('a', 'sine=duration=10', ['-c:a', 'aac']);
  const [late, watched] = [new Watched(300), new Watched(300)];
  watched.sampler.arrived([key(0)]);
  await watched.store(still, sound);
  await watched.until('stream.alert-raised', ({ data }) => data.alert === 'frozen');
  watched.sampler.arrived([key(12_000)]);
  // Looked at after it came back.
  late.sampler.arrived([key(0), key(12_000)]);
  await late.store(still, sound);
  await late.until('stream.measured', ({ data }) => data.picture !== null);
  expect((await watched.until('stream.alert-cleared')).data).toMatchObject({ alert: 'frozen', reason: 'over' });
  expect((await late.events()).map(({ type }) => type)).not.toContain('stream.alert-raised');
  await Promise.all([watched.sampler.close(), late.sampler.close()]);
}, 60_000);

test('what cannot be decoded, or not be stored, is left out, and figures go on', async () => {
  const watched = new Watched(300);
  const rubbish = { init: Buffer.from('no box at all'), segments: Array.from({ length: 5 }, () => Buffer.alloc(100, 7)) };
  await watched.store(rubbish, rubbish);
  const sample = await watched.until('stream.measured');
  expect(sample.data).toMatchObject({ picture: null, sound: null });
  await watched.sampler.close();
  expect((await watched.events()).map(({ type }) => type)).not.toContain('thumbnails.produced');
  expect(await readdir(join(folder, 'samples'))).toEqual([]);
}, 60_000);

test('decoders begin in a process of their own, which begins anew when it ends', async () => {
  const { init, segments } = await made('v', 'testsrc=size=426x240:rate=15:duration=2', h264);
  const media = { picture: [init, segments[0] as Uint8Array], tile: { width: 160, height: 90 }, sound: [] };
  const { image } = await decoder.decode(media);
  expect([image[0], image[1]]).toEqual([0xff, 0xd8]);
  await expect(decoder.decode({ ...media, picture: [init, Uint8Array.of(1, 2, 3)] })).rejects.toMatchObject({ code: 'PROGRAM_FAILED' });
  const { pid } = decoder;
  const cut = decoder.decode(media);
  process.kill(pid as number, 'SIGKILL');
  await expect(cut).rejects.toMatchObject({ code: 'PROGRAM_FAILED', retryable: true });
  const again = await decoder.decode(media);
  expect(Buffer.compare(again.image, image)).toBe(0);
  expect(decoder.pid).not.toBe(pid);
}, 60_000);
