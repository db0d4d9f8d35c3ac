/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import { FsBlobStore } from '#adapters/fs-blob';
import { RecordingTools } from './recording-tools.ts';

const run = promisify(execFile);
let folder: string;
let tools: RecordingTools;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-recording-'));
  const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
  const { program } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
  const blobs = await FsBlobStore.open({ folder: join(folder, 'blobs') });
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

test('a file that is not there fails the one who stores it, and not the process', async () => {
  await expect(tools.store(join(folder, 'nothing.jpg'))).rejects.toThrow(/ENOENT|nothing/);
});
