import { existsSync } from 'node:fs';
import { encoderName, trialArguments, type EncoderKind, type VideoCodec } from '#core/ffmpeg-plan';
import type { ProcessRunner } from '#ports';
import type { Logger } from '#runtime';
import type { WorkingEncoder } from './encoder-sessions.ts';

type HardwareKind = WorkingEncoder['kind'];

export interface WorkingEncodersInit {
  /** ffmpeg. */
  readonly program: string;
  /** Kinds to try, best first. */
  readonly kinds: readonly HardwareKind[];
  readonly vaapiDevice: string;
  readonly sessions: Readonly<Record<HardwareKind, number>>;
  /** Whether a device is there; looks by default. */
  readonly hasDevice?: (path: string) => boolean;
}

/** Without any of them there is nothing to try on Linux, and a media process that starts anew has no time to lose. WSL has its own. */
const devices = (kind: HardwareKind, vaapiDevice: string): readonly string[] =>
  ({ nvenc: ['/dev/nvidiactl', '/dev/dxg'], qsv: ['/dev/dri'], amf: ['/dev/dri'], vaapi: [vaapiDevice] })[kind];

/** A driver that hangs is not waited for any longer, ms. */
const trialMsMax = 10_000;
/** Half a second of the smallest picture has some 20 kB. */
const bytesMin = 1000;

/** The hardware encoders that really encode on this machine, best first; each is tried, all at once. */
export async function workingEncoders(runner: ProcessRunner, init: WorkingEncodersInit, logger: Logger): Promise<readonly WorkingEncoder[]> {
  const tried = await Promise.all(
    init.kinds.map(async (kind) => {
      if (!isThere(kind, init)) return { kind, codecs: [], sessionsMax: 0 };
      const codecs: VideoCodec[] = [];
      for (const codec of ['h264', 'hevc'] as const) {
        const encoder = encoderName(kind, codec);
        const problem = await trialProblem(runner, init, kind, codec);
        if (problem === undefined) codecs.push(codec);
        if (problem === undefined) logger.info({ encoder, sessions: init.sessions[kind] }, `${encoder} works`);
        else logger.info({ encoder, problem }, `${encoder} does not work here`);
        // No card encodes H.265 and not H.264.
        if (problem !== undefined) break;
      }
      return { kind, codecs, sessionsMax: init.sessions[kind] };
    }),
  );
  return tried.filter(({ codecs }) => codecs.length > 0);
}

function isThere(kind: HardwareKind, { vaapiDevice, hasDevice = existsSync }: WorkingEncodersInit): boolean {
  return process.platform !== 'linux' || devices(kind, vaapiDevice).some(hasDevice);
}

/** Why an encoder does not work; undefined when it does. */
async function trialProblem(
  runner: ProcessRunner,
  { program, vaapiDevice }: WorkingEncodersInit,
  kind: EncoderKind,
  codec: VideoCodec,
): Promise<string | undefined> {
  const running = await runner.start({ program, argv: trialArguments(kind, codec, vaapiDevice), outputs: [1] });
  running.endInput();
  const timer = setTimeout(() => void running.kill(), trialMsMax);
  let bytes = 0;
  for await (const chunk of running.output(1)) bytes += chunk.length;
  const { code, lastLines } = await running.exited;
  clearTimeout(timer);
  if (code === 0 && bytes >= bytesMin) return undefined;
  return lastLines[0] ?? (code === null ? `it did not end within ${trialMsMax / 1000} s` : 'it wrote nothing');
}
