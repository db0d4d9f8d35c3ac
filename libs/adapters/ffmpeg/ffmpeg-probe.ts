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

/**
 * Finds ffmpeg and makes it encode a few frames exactly as live streams will need it.
 * @param named what the operator set; a bare name is looked up in `searchPath`
 * @throws OperatingError `FFMPEG_MISSING`, `FFMPEG_TOO_OLD` or `FFMPEG_UNFIT`, each with one sentence that says what to do
 */
export async function probeFfmpeg(runner: ProcessRunner, named: string, searchPath: string): Promise<FfmpegCapabilities> {
  const program = await locate(named, searchPath);
  if (program === undefined) throw new OperatingError(`ffmpeg was not found as ${named}: ${install}.`, { code: 'FFMPEG_MISSING', retryable: false });
  const version = await readVersion(runner, program);
  await checkEncoders(runner, program);
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

async function readVersion(runner: ProcessRunner, program: string): Promise<string> {
  const { text } = await capture(runner, program, ['-hide_banner', '-version']);
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
async function checkEncoders(runner: ProcessRunner, program: string): Promise<void> {
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
  const { bytes, lastLines } = await capture(runner, program, ['-hide_banner', '-nostdin', '-loglevel', 'error', ...inputs, ...encoders]);
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
const captureMsMax = 20_000;

async function capture(runner: ProcessRunner, program: string, argv: readonly string[]): Promise<Captured> {
  const running = await runner.start({ program, argv, outputs: [1] }).catch((error: unknown) => {
    if (!hasCode(error, 'PROGRAM_NOT_FOUND') && !hasCode(error, 'PROGRAM_NOT_STARTED')) throw error;
    throw new OperatingError(`${(error as Error).message} ffmpeg is needed: ${install}.`, { code: 'FFMPEG_MISSING', retryable: false, cause: error });
  });
  running.endInput();
  const timer = setTimeout(() => void running.kill(), captureMsMax);
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of running.output(1)) {
    bytes += chunk.length;
    if (text.length < textBytesMax) text += decoder.decode(chunk, { stream: true });
  }
  const { lastLines } = await running.exited;
  clearTimeout(timer);
  return { text, bytes, lastLines };
}
