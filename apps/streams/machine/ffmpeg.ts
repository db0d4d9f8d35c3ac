import { spawn } from 'node:child_process';
import { exitCodes, PlainFailure } from '../streams.errors.ts';

const oldest = { major: 5, minor: 1 };
const shortMs = 15_000;
const outputBytesMax = 64 * 1024;

interface Output {
  readonly code: number | undefined;
  readonly text: string;
  /** Ended because it took longer than it may. */
  readonly isLate: boolean;
}

/** Runs a short program; `code` is undefined when it cannot be started or took longer than `timeoutMs`, 15 s by default. */
export function runShort(command: string, args: readonly string[], timeoutMs = shortMs): Promise<Output> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' });
    let text = '';
    const collect = (chunk: Buffer): void => {
      text = (text + chunk.toString()).slice(0, outputBytesMax);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', () => resolve({ code: undefined, text, isLate: false }));
    // A child of its own may outlive it, and hold the pipes open.
    child.on('exit', () => child.killed && [child.stdout, child.stderr].forEach((pipe) => pipe.destroy()));
    child.on('close', (code) => resolve({ code: code ?? undefined, text, isLate: child.killed }));
  });
}

/** The version in what `ffmpeg -version` says; undefined for a build from sources without one, such as `N-109…`. */
export function parseFfmpegVersion(text: string): { readonly major: number; readonly minor: number } | undefined {
  const match = /^ffmpeg version n?(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/** The version as text. @throws PlainFailure when the program is missing, too old or not ffmpeg, or does not answer within `timeoutMs`. */
export async function checkFfmpeg(path: string, timeoutMs = shortMs): Promise<string> {
  const { code, text, isLate } = await runShort(path, ['-hide_banner', '-version'], timeoutMs);
  if (isLate)
    throw new PlainFailure(
      `ffmpeg (${path}) did not answer within ${timeoutMs / 1000} s: the machine is too busy, or the program hangs. Try again, or set FFMPEG_PATH to another one.`,
    );
  if (code !== 0) {
    throw new PlainFailure(
      `ffmpeg is missing (${path} cannot be run): install it (Debian and Ubuntu: sudo apt-get install ffmpeg), or set FFMPEG_PATH.`,
      exitCodes.usage,
    );
  }
  const named = /^ffmpeg version (\S+)/.exec(text)?.[1];
  if (named === undefined)
    throw new PlainFailure(`${path} is not ffmpeg: it does not tell its version as ffmpeg does. Set FFMPEG_PATH to ffmpeg.`, exitCodes.usage);
  const version = parseFfmpegVersion(text);
  const isOld = version !== undefined && (version.major < oldest.major || (version.major === oldest.major && version.minor < oldest.minor));
  if (isOld)
    throw new PlainFailure(
      `ffmpeg ${version.major}.${version.minor} is too old: install ffmpeg ${oldest.major}.${oldest.minor} or newer, or set FFMPEG_PATH to one.`,
      exitCodes.usage,
    );
  return named;
}

/** Encodes half a second of picture and tone; what went wrong, or undefined. */
export async function tryEncode(path: string, videoEncoder = 'libx264'): Promise<string | undefined> {
  const input = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
  const { code, text } = await runShort(path, [
    '-hide_banner',
    '-loglevel',
    'error',
    ...input,
    '-t',
    '0.5',
    '-pix_fmt',
    'yuv420p',
    '-c:v',
    videoEncoder,
    '-c:a',
    'aac',
    '-f',
    'mp4',
    '-movflags',
    'frag_keyframe+empty_moov',
    'pipe:1',
  ]);
  // An MP4 file begins with the box `ftyp` (ISO/IEC 14496-12 section 4.3).
  if (code === 0) return text.includes('ftyp') ? undefined : 'it made no MP4';
  return text.trim().split('\n').at(-1) || 'it did not finish';
}

/** The first H.264 encoder that works here. */
export async function findVideoEncoder(path: string): Promise<string | undefined> {
  for (const encoder of ['libx264', 'libopenh264', 'h264_videotoolbox']) {
    if ((await tryEncode(path, encoder)) === undefined) return encoder;
  }
  return undefined;
}
