import { probeFfmpeg, type FfmpegCapabilities, type FfmpegProbeInit } from '#adapters/ffmpeg';
import type { ProcessRunner } from '#ports';
import { untilThere, type UntilThereInit } from '#runtime';

/** Time for two attempts, before a supervisor thinks that the app hangs, ms. */
const patienceMs = 35_000;

/**
 * The machine's ffmpeg, waited for while the machine is too busy with its start to answer.
 * @throws OperatingError as {@link probeFfmpeg} does
 */
export function readyFfmpeg(runner: ProcessRunner, probe: FfmpegProbeInit, wait: UntilThereInit): Promise<FfmpegCapabilities> {
  return untilThere(() => probeFfmpeg(runner, probe), { patienceMs, ...wait });
}
