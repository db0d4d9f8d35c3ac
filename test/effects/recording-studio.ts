import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import { segmentProduced } from '#events';
import { EffectWorkers } from '#runtime';
import { pino } from 'pino';
import { announceEncoding, announceEncodingEnd } from '../../apps/gateway/testing/stream-facts.ts';
import { ClipWorker } from '../../apps/media/recording/clip-worker.ts';
import { RecordingWorker } from '../../apps/media/recording/recording-worker.ts';
import type { EffectWorld, Fields } from './effect-world.ts';

const logger = pino({ level: 'silent' });

interface Probed {
  readonly format: { readonly duration: string };
  readonly streams: ReadonlyArray<{ readonly codec_name: string; readonly start_time: string; readonly nb_read_packets: string }>;
}

/** Streams of real media, and the media app's worker that makes recordings of them. */
export class RecordingStudio {
  readonly #world: EffectWorld;
  readonly #folder: string;
  readonly #workers: EffectWorkers;

  private constructor(world: EffectWorld, folder: string, workers: EffectWorkers) {
    this.#world = world;
    this.#folder = folder;
    this.#workers = workers;
  }

  static async open(world: EffectWorld): Promise<RecordingStudio> {
    const folder = await mkdtemp(join(tmpdir(), 'streams-recordings-'));
    const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
    const { program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
    const { blobs } = world.world.engines;
    const { log, reads, effects, jobs, clock, ids } = world.engines;
    const worker = new RecordingWorker({ concurrency: 1, folder: join(folder, 'work') }, { log, reads, blobs, clock, runner, program, logger });
    const clips = new ClipWorker({ concurrency: 1, folder: join(folder, 'clips') }, { reads, blobs, clock, runner, program, logger });
    const workers = new EffectWorkers({ workers: [worker, clips], owner: 'test/media' }, { effects, jobs, clock, ids, source: '/media/test', logger });
    await workers.start();
    return new RecordingStudio(world, folder, workers);
  }

  async stop(): Promise<void> {
    await this.#workers.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A stream that was started, got what `prepare` gives it, and was stopped; its id. */
  async stopped(prepare: (streamId: string) => Promise<void>, settings: object = {}): Promise<string> {
    const { id } = (await this.#world.ask('POST', '/api/v1/stream/start', { name: 'test', ...settings })).json;
    await prepare(id);
    const { status } = await this.#world.ask('POST', '/api/v1/stream/stop', { id });
    if (status !== 200) throw new Error(`The stream is not stopped: ${status}`);
    return id;
  }

  /** One with six seconds of each size, one after the other, two seconds missing in between; its id. */
  whole(...sizes: readonly string[]): Promise<string> {
    return this.stopped(async (streamId) => {
      await announceEncoding(this.#world.world, streamId);
      for (const [at, size] of sizes.entries()) await this.#announce(streamId, size, at * 8);
      await announceEncodingEnd(this.#world.world, streamId);
    });
  }

  /** Once there is one. */
  async recordingOf(id: string): Promise<Fields> {
    for (;;) {
      const { json } = await this.#world.ask('GET', `/api/v1/streams/${id}`);
      if (json.recording !== null) return json.recording;
      await sleep(50);
    }
  }

  /** A piece of the stream, once it is made or cannot be. */
  async clipOf(id: string, body: object): Promise<Fields> {
    const { status, json } = await this.#world.ask('POST', `/api/v1/stream/${id}/clip`, body);
    if (status !== 202) throw new Error(`The clip is refused: ${status} ${JSON.stringify(json)}`);
    for (;;) {
      const { json: clip } = await this.#world.ask('GET', `/api/v1/streams/${id}/clips/${json.id}`);
      if (clip['status'] === 'finished' || clip['status'] === 'failed') return clip;
      await sleep(50);
    }
  }

  async probed(bytes: Uint8Array): Promise<Probed> {
    const path = join(this.#folder, 'probed.mp4');
    await writeFile(path, bytes);
    const argv = ['-v', 'error', '-of', 'json', '-count_packets', '-show_format', '-show_streams', path];
    return JSON.parse(execFileSync('ffprobe', argv, { encoding: 'utf8' })) as Probed;
  }

  /** CMAF of a test picture and a tone, cut as the packager cuts: an initialisation and segments of 2 s, per rendition. */
  async #media(size: string): Promise<Record<string, { readonly init: Uint8Array; readonly segments: readonly Uint8Array[] }>> {
    const at = await mkdtemp(join(this.#folder, 'media-'));
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

  async #announce(streamId: string, size: string, first: number): Promise<void> {
    const { blobs } = this.#world.world.engines;
    for (const [rendition, { init, segments }] of Object.entries(await this.#media(size))) {
      const { cid: initCid, sizeBytes: initSizeBytes } = await blobs.put(init);
      for (const [at, bytes] of segments.slice(0, 3).entries()) {
        const { cid, sizeBytes } = await blobs.put(bytes);
        const mediaSequence = first + at;
        const times = { durationUs: 2_000_000, startUs: mediaSequence * 2_000_000, programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000 };
        const about = { streamId, sessionId: 's-1', rendition, epoch: 1, mediaSequence, cid, sizeBytes, initCid, initSizeBytes, discontinuity: at === 0 };
        await this.#world.world.facts.publish('stream', [segmentProduced.draft({ ...about, ...times })], { producer: { id: `media:${streamId}`, epoch: 1n } });
      }
    }
  }
}
