import { spawn, type ChildProcess } from 'node:child_process';
import { backOffMs, pause } from '#runtime';
import { findVideoEncoder, runShort } from '../machine/ffmpeg.ts';
import { PlainFailure } from '../streams.errors.ts';
import type { DemoSettings } from './demo.config.ts';
import { testPictureArguments } from './test-picture.ts';

export type Say = (level: string, msg: string, fields?: Readonly<Record<string, unknown>>) => void;

const stableAfterMs = 10_000;
const killAfterMs = 500;

/** True where ffmpeg can write into a picture: it needs a build with freetype, and a font. */
async function canDrawText(ffmpegPath: string): Promise<boolean> {
  const args = ['-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i', 'color=size=64x64:rate=1', '-vf', 'drawtext=text=1', '-frames:v', '1', '-f', 'null', '-'];
  return (await runShort(ffmpegPath, args)).code === 0;
}

/** Publishes the test picture, and again after every break, until told to stop. */
export async function publishForever(settings: DemoSettings, say: Say, stopping: AbortSignal): Promise<void> {
  const [videoEncoder, hasText] = await Promise.all([findVideoEncoder(settings.ffmpegPath), canDrawText(settings.ffmpegPath)]);
  if (videoEncoder === undefined) throw new PlainFailure('This ffmpeg has no working H.264 encoder: install one with libx264.');
  if (!hasText) say('warn', 'this ffmpeg has no font to draw with: the test picture has no clock');
  const args = testPictureArguments({ url: settings.url, videoEncoder, hasText });
  say('info', 'publishing the test picture', { ready: true, videoEncoder });
  for (let failures = 0; !stopping.aborted; ) {
    const begun = performance.now();
    const reason = await publishOnce(settings.ffmpegPath, args, stopping);
    if (stopping.aborted) return;
    failures = performance.now() - begun >= stableAfterMs ? 0 : failures + 1;
    say('warn', 'the publisher was cut off; publishing again', { reason });
    await pause(backOffMs(failures, 100, 3000), stopping);
  }
}

/** Resolves to the last thing that ffmpeg said. */
function publishOnce(command: string, args: readonly string[], stopping: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const end = (): void => endPolitely(child);
    stopping.addEventListener('abort', end, { once: true });
    let last = '';
    child.stderr.on('data', (chunk: Buffer) => {
      last = (last + chunk.toString()).slice(-1000);
    });
    const done = (text: string): void => {
      stopping.removeEventListener('abort', end);
      resolve(text);
    };
    child.on('error', (error) => done(error.message));
    child.on('close', () => done(last.trim().split('\n').at(-1) ?? ''));
  });
}

/** On SIGTERM ffmpeg ends the stream properly; when the server is gone it may hang over that. */
function endPolitely(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
}
