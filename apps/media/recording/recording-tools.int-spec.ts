/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import { FsBlobStore } from '#adapters/fs-blob';
import type { DatedSegment } from './clip-plan.core.ts';
import { planRecording, type Run, type StoredSegment, type Track } from './recording-plan.core.ts';
import { RecordingTools } from './recording-tools.ts';

const run = promisify(execFile);
let folder: string;
let tools: RecordingTools;
let blobs: FsBlobStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-recording-'));
  const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
  const { program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
  blobs = await FsBlobStore.open({ folder: join(folder, 'blobs') });
  tools = new RecordingTools({ blobs, runner, program }, folder, new AbortController().signal);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function film(name: string, pictureSeconds: number, soundSeconds: number): Promise<string> {
  const path = join(folder, name);
  const picture = ['-f', 'lavfi', '-t', String(pictureSeconds), '-i', 'testsrc=s=64x36:r=10'];
  const sound = ['-f', 'lavfi', '-t', String(soundSeconds), '-i', 'sine'];
  await run('ffmpeg', ['-v', 'error', ...picture, ...sound, '-c:v', 'libx264', '-c:a', 'aac', path]);
  return path;
}

test('a picture that ends before the sound gives its first frame as the poster', async () => {
  const path = await film('short.mp4', 1, 14);
  const { durationMs } = await tools.probe(path);
  expect(durationMs).toBeGreaterThan(13_000);
  expect((await tools.store((await tools.poster(path, durationMs)) as string)).sizeBytes).toBeGreaterThan(500);
});

test('a file without a picture has no poster', async () => {
  const path = join(folder, 'sound.mp4');
  await rm(join(folder, 'poster.jpg'), { force: true });
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-t', '1', '-i', 'sine', '-c:a', 'aac', path]);
  await expect(tools.poster(path, 1000)).rejects.toMatchObject({ code: 'PROGRAM_FAILED' });
});

/** One segment of a track, stored; what ffmpeg writes before the first fragment is its initialisation. */
async function storedTrack(argv: readonly string[], track: Pick<Track, 'rendition' | 'kind' | 'language' | 'label'>): Promise<Track> {
  const path = join(folder, `${track.rendition}.source.mp4`);
  await run('ffmpeg', ['-v', 'error', '-y', ...argv, '-movflags', 'empty_moov+default_base_moof', path]);
  const bytes = await readFile(path);
  const split = bytes.indexOf('moof') - 4;
  const [init, media] = [await blobs.put(bytes.subarray(0, split)), await blobs.put(bytes.subarray(split))];
  const about = { rendition: track.rendition, mediaSequence: 0, startUs: 0, durationUs: 3_000_000 };
  const segment = { ...about, cid: media.cid, sizeBytes: media.sizeBytes, initCid: init.cid, initSizeBytes: init.sizeBytes };
  return { ...track, runs: [{ initCid: init.cid, segments: [segment], startUs: 0, spanUs: undefined }], segments: 1, sizeBytes: bytes.length };
}

test('all sounds are in the file, with what they are in and called; the first is played unless somebody chooses', async () => {
  const sound = (hz: number): string[] => ['-f', 'lavfi', '-t', '3', '-i', `sine=${hz}`, '-c:a', 'aac'];
  const path = await tools.mux([
    await storedTrack(['-f', 'lavfi', '-t', '3', '-i', 'testsrc=s=64x36:r=10', '-c:v', 'libx264'], { rendition: '36p', kind: 'video' }),
    await storedTrack(sound(440), { rendition: 'audio', kind: 'audio', language: 'en', label: 'Original' }),
    await storedTrack(sound(880), { rendition: 'audio-1', kind: 'audio', language: 'de-AT', label: 'Für alle' }),
  ]);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', path]);
  const { streams } = JSON.parse(stdout) as { streams: Array<{ codec_type: string; tags: Record<string, string>; disposition: { default: number } }> };
  expect(streams.map(({ codec_type: type, tags, disposition }) => [type, tags['language'], tags['handler_name'], disposition.default])).toEqual([
    ['video', 'und', 'VideoHandler', 1],
    ['audio', 'eng', 'Original', 1],
    ['audio', 'deu', 'Für alle', 0],
  ]);
  expect(await tools.probe(path)).toMatchObject({ videoCodec: 'h264', audioCodec: 'aac' });
});

/** Cycles per second of one sound of a file, as ffmpeg plays it, by the passages through zero from a second on. */
async function pitchAt(path: string, sound: number, seconds: number): Promise<number> {
  const raw = join(folder, 'pitch.raw');
  await run('ffmpeg', ['-v', 'error', '-y', '-i', path, '-map', `0:a:${sound}`, '-af', 'aresample=48000:async=1', '-ac', '1', '-f', 's16le', raw]);
  const bytes = await readFile(raw);
  let passages = 0;
  for (let at = seconds * 48_000 + 1; at < (seconds + 1) * 48_000; at++) if (bytes.readInt16LE(at * 2) >= 0 !== bytes.readInt16LE(at * 2 - 2) >= 0) passages++;
  return passages / 2;
}

test('sounds that change their format are heard throughout, as high and as long as they were', async () => {
  const sound = (name: string, hz: number, rate: number): Promise<Track> =>
    storedTrack(['-f', 'lavfi', '-t', '3', '-i', `sine=${hz}:r=${rate}`, '-c:a', 'aac'], { rendition: name, kind: 'audio' });
  const parts = [await sound('a', 440, 48_000), await sound('b', 880, 44_100), await sound('c', 660, 48_000)];
  const format = { codecs: 'mp4a.40.2', channels: 2 };
  const of = (rendition: string): DatedSegment[] =>
    parts.map(({ runs }, at) => {
      const [stored] = (runs[0] as Run).segments as readonly [StoredSegment];
      const times = { mediaSequence: at, startUs: at * 3_000_000, programDateTimeMs: 0 };
      return { ...stored, ...format, ...times, rendition, sampleRate: at === 1 ? 44_100 : 48_000 };
    });
  const renditions = ['audio', 'audio-1'].map((name) => ({ name, kind: 'audio' as const, bandwidth: 1 }));
  const plan = planRecording(renditions, [...of('audio'), ...of('audio-1')], 1e9);
  const path = await tools.mux(plan.kind === 'tracks' ? plan.tracks : []);
  expect((await tools.probe(path)).durationMs / 1000).toBeCloseTo(9, 0);
  for (const which of [0, 1]) {
    expect(await pitchAt(path, which, 1)).toBeCloseTo(440, -1);
    expect(await pitchAt(path, which, 4)).toBeCloseTo(880, -1);
    expect(await pitchAt(path, which, 7)).toBeCloseTo(660, -1);
  }
});

test('a file that is not there fails the one who stores it, and not the process', async () => {
  await expect(tools.store(join(folder, 'nothing.jpg'))).rejects.toThrow(/ENOENT|nothing/);
});
