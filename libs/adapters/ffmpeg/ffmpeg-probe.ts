import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { hasCode, OperatingError } from '#kernel';
import type { ProcessRunner } from '#ports';

/** What the machine's ffmpeg can do, found by letting it do it. */
export interface FfmpegCapabilities {
  readonly program: string;
  /** As it names itself, such as `5.1.9-0+deb12u1`. */
  readonly version: string;
}

/** Oldest release with every option that the encoder's arguments use. */
const versionMin = { major: 5, minor: 1 };
const install = 'install it (Debian and Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg) or set FFMPEG_PATH to it';

export interface FfmpegProbeInit {
  /** What the operator set; a bare name is looked up in {@link searchPath}. */
  readonly named: string;
  readonly searchPath: string;
  /** How long the whole probe may take, ms; 20,000 by default. */
  readonly withinMs?: number;
}

/** What answers within a time, and is ended after it. */
interface Patience {
  readonly withinMs: number;
  readonly over: AbortSignal;
}

/**
 * Finds ffmpeg and makes it encode a few frames exactly as live streams will need it.
 * @throws OperatingError `FFMPEG_MISSING`, `FFMPEG_TOO_OLD` or `FFMPEG_UNFIT`, each with one sentence that says what to do;
 * `FFMPEG_SLOW` (retryable) when it did not answer in time, which says nothing about what it can do
 */
export async function probeFfmpeg(runner: ProcessRunner, { named, searchPath, withinMs = 20_000 }: FfmpegProbeInit): Promise<FfmpegCapabilities> {
  const program = await locate(named, searchPath);
  if (program === undefined) throw new OperatingError(`ffmpeg was not found as ${named}: ${install}.`, { code: 'FFMPEG_MISSING', retryable: false });
  const patience = { withinMs, over: AbortSignal.timeout(withinMs) };
  const version = await readVersion(runner, program, patience);
  await checkEncoders(runner, program, patience);
  return { program, version };
}

async function locate(named: string, searchPath: string): Promise<string | undefined> {
  const candidates = isAbsolute(named)
    ? [named]
    : searchPath
        .split(delimiter)
        .filter(isAbsolute)
        .map((folder) => join(folder, named));
  for (const candidate of candidates) {
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  }
  return undefined;
}

async function readVersion(runner: ProcessRunner, program: string, patience: Patience): Promise<string> {
  const { text } = await capture(runner, { program, argv: ['-hide_banner', '-version'], patience });
  const version = /^ffmpeg version (\S+)/.exec(text)?.[1];
  if (version === undefined) throw new OperatingError(`${program} is not ffmpeg: ${install}.`, { code: 'FFMPEG_UNFIT', retryable: false });
  // Builds of the development branch have no release number and are newer than any.
  const release = /^n?(\d+)\.(\d+)/.exec(version);
  const major = Number(release?.[1]);
  const tooOld = release !== null && (major < versionMin.major || (major === versionMin.major && Number(release[2]) < versionMin.minor));
  if (tooOld)
    throw new OperatingError(`ffmpeg ${version} is older than ${versionMin.major}.${versionMin.minor}: ${install}.`, {
      code: 'FFMPEG_TOO_OLD',
      retryable: false,
    });
  return version;
}

/** A real encode: an encoder that is listed may still not work. */
async function checkEncoders(runner: ProcessRunner, program: string, patience: Patience): Promise<void> {
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=10:duration=0.5', '-f', 'lavfi', '-i', 'sine=duration=0.5'];
  const encoders = [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-c:a',
    'aac',
    '-movflags',
    '+frag_keyframe+empty_moov+default_base_moof+cmaf',
    '-f',
    'mp4',
    'pipe:1',
  ];
  const { bytes, lastLines } = await capture(runner, {
    program,
    argv: ['-hide_banner', '-nostdin', '-loglevel', 'error', ...inputs, ...encoders],
    patience,
  });
  if (bytes > 1000) return;
  const why = lastLines.at(-1) ?? 'it wrote nothing';
  throw new OperatingError(`${program} cannot encode H.264 by libx264 and AAC (${why}): ${install}.`, { code: 'FFMPEG_UNFIT', retryable: false });
}

interface Captured {
  readonly text: string;
  readonly bytes: number;
  readonly lastLines: readonly string[];
}

const textBytesMax = 65_536;

interface Question {
  readonly program: string;
  readonly argv: readonly string[];
  readonly patience: Patience;
}

async function capture(runner: ProcessRunner, { program, argv, patience }: Question): Promise<Captured> {
  const running = await runner.start({ program, argv, outputs: [1] }).catch((error: unknown) => {
    if (!hasCode(error, 'PROGRAM_NOT_FOUND') && !hasCode(error, 'PROGRAM_NOT_STARTED')) throw error;
    throw new OperatingError(`${(error as Error).message} ffmpeg is needed: ${install}.`, { code: 'FFMPEG_MISSING', retryable: false, cause: error });
  });
  running.endInput();
  const end = (): void => void running.kill();
  if (patience.over.aborted) end();
  patience.over.addEventListener('abort', end);
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of running.output(1)) {
    bytes += chunk.length;
    if (text.length < textBytesMax) text += decoder.decode(chunk, { stream: true });
  }
  const { lastLines } = await running.exited;
  patience.over.removeEventListener('abort', end);
  // Whatever it has said until then is half of an answer.
  if (patience.over.aborted) throw slow(program, patience.withinMs);
  return { text, bytes, lastLines };
}

function slow(program: string, withinMs: number): OperatingError {
  return new OperatingError(`${program} did not answer within ${withinMs / 1000} s: the machine is too busy, or the program hangs.`, {
    code: 'FFMPEG_SLOW',
    retryable: true,
  });
}
