import { spawn, type ChildProcess } from 'node:child_process';
import { backOffMs, pause } from '#runtime';
import { findVideoEncoder, runShort } from '../machine/ffmpeg.ts';
import { PlainFailure } from '../streams.errors.ts';
import type { DemoSettings } from './demo.config.ts';
import { testPictureArguments } from './test-picture.ts';

export type Say = (level: string, msg: string, fields?: Readonly<Record<string, unknown>>) => void;

interface Ability {
  readonly videoEncoder: string;
  readonly hasText: boolean;
}

const stableAfterMs = 10_000;
const killAfterMs = 500;
/** After so many in a row nobody wants the picture, because the stream was stopped: each refusal is an event for good. */
const refusalsPatient = 10;

const firstDelayMs = 100;

/** How long the demo waits at most after so many failures in a row: soon back after a restart, and no flood of refusals. */
export function delayMsMax(failures: number): number {
  return failures > refusalsPatient ? 60_000 : 3000;
}

/** True where ffmpeg can write into a picture: it needs a build with freetype, and a font. */
async function canDrawText(ffmpegPath: string): Promise<boolean> {
  const args = [
    '-hide_banner',
    '-loglevel',
    'error',
    '-f',
    'lavfi',
    '-i',
    'color=size=64x64:rate=1',
    '-vf',
    'drawtext=text=1',
    '-frames:v',
    '1',
    '-f',
    'null',
    '-',
  ];
  return (await runShort(ffmpegPath, args)).code === 0;
}

/** What this ffmpeg can do, found out by doing it. */
async function probe(settings: DemoSettings, say: Say): Promise<Ability> {
  const [videoEncoder, hasText] = await Promise.all([findVideoEncoder(settings.ffmpegPath), canDrawText(settings.ffmpegPath)]);
  if (videoEncoder === undefined) throw new PlainFailure('This ffmpeg has no working H.264 encoder: install one with libx264.');
  if (!hasText) say('warn', 'this ffmpeg has no font to draw with: the test picture has no clock');
  return { videoEncoder, hasText };
}

/** Publishes the test picture, and again after every break, until told to stop. */
export async function publishForever(settings: DemoSettings, say: Say, stopping: AbortSignal): Promise<void> {
  // Nearly every ffmpeg can do this; only one that fails early is looked at more closely, so that the picture is up soon.
  let ability: Ability = { videoEncoder: 'libx264', hasText: true };
  let isProbed = false;
  say('info', 'publishing the test picture', { ready: true });
  for (let failures = 0; !stopping.aborted;) {
    const begun = performance.now();
    const reason = await publishOnce(settings.ffmpegPath, testPictureArguments({ url: settings.url, ...ability }), stopping);
    if (stopping.aborted) return;
    failures = performance.now() - begun >= stableAfterMs ? 0 : failures + 1;
    say('warn', 'the publisher was cut off; publishing again', { reason });
    if (failures > 0 && !isProbed) {
      ability = await probe(settings, say);
      isProbed = true;
    }
    await pause(backOffMs(failures, firstDelayMs, delayMsMax(failures)), stopping);
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
    child.on('close', () => done(withoutKey(last.trim().split('\n').at(-1) ?? '')));
  });
}

/** On SIGTERM ffmpeg ends the stream properly; when the server is gone it may hang over that. */
function endPolitely(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
}

/** ffmpeg names the URL that it could not write to, and with it the stream key. */
export function withoutKey(text: string): string {
  return text.replace(/(rtmps?:\/\/[^\s/]+\/[^\s/]+\/)[^\s:]+/g, '$1***');
}
