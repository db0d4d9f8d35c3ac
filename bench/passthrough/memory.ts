import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Platform } from '../../test/constellation/platform.ts';
import type { BenchContext } from '../harness/index.ts';
import { LoadProcess } from '../rtmp/load-process.ts';
import { readSample, recordSample } from '../rtmp/media-sample.ts';
import { residentMb } from '../rtmp/process-usage.ts';
import { startCarriedStreams } from './carried-streams.ts';

const rates = { videoKbps: 2500, audioKbps: 128 };
const memoryMbMax = 0.5;

/** The greatest resident memory of a process in a window, MB. */
async function peakMb(pid: number, windowMs: number): Promise<number> {
  const began = performance.now();
  let peak = 0;
  while (performance.now() - began < windowMs) {
    peak = Math.max(peak, await residentMb(pid));
    await sleep(250);
  }
  return peak;
}

/**
 * What a publisher takes of the ingest's memory while a packager reads and stores its media: the relay keeps what is not stored yet,
 * which the bench `rtmp`, where nobody reads, does not see.
 */
export async function measureMemory(context: BenchContext): Promise<void> {
  const publishers = context.quick ? 30 : 60;
  const folder = await mkdtemp(join(tmpdir(), 'streams-bench-carry-'));
  const stops: Array<() => Promise<unknown>> = [() => rm(folder, { recursive: true, force: true })];
  try {
    const file = join(folder, 'sample.flv');
    await recordSample(file, rates);
    const platform = await Platform.start({ dataDir: join(folder, 'data'), env: { MEDIA_STREAMS_MAX: '1000' } });
    stops.push(() => platform.stop());
    const streams = await startCarriedStreams(platform, publishers);
    const ingest = platform.processes('ingest')[0]?.pid;
    if (ingest === undefined) throw new Error('there is no ingest process');
    const idleMb = await peakMb(ingest, 2000);
    const load = await LoadProcess.start(
      file,
      platform.ports.rtmp,
      streams.map(({ streamKey }) => streamKey),
    );
    stops.push(() => load.stop());
    await sleep(8000);
    const perStreamMb = ((await peakMb(ingest, context.quick ? 10_000 : 20_000)) - idleMb) / publishers;
    if (!load.running) throw new Error('a publisher was closed during the measurement');
    const { bitrate } = await readSample(file);
    context.row(`${publishers} publishers of ${(bitrate / 1e6).toFixed(2)} Mbit/s, each read and stored`, 'memory of the ingest per stream', '');
    context.row('streams ingest', `${perStreamMb.toFixed(3)} MB`, '');
    context.bar('passthrough.memory.per-stream', perStreamMb, 'MB', `<= ${memoryMbMax}`, perStreamMb <= memoryMbMax);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
