import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIngestSettings } from '../apps/ingest/ingest.config.ts';
import { IngestWorld } from '../test/interop/rtmp-ingest-process.ts';
import type { Bench, BenchContext } from './harness/index.ts';
import { LoadProcess } from './rtmp/load-process.ts';
import { readSample, recordSample, type SampleRates } from './rtmp/media-sample.ts';
import { findNginxRtmp } from './rtmp/nginx-rtmp.ts';
import { cpuTime, residentMb } from './rtmp/process-usage.ts';
import { startDrain, startIngest, startNginx, type Server } from './rtmp/subjects.ts';

const ratioMax = 1;
const memoryMbMax = 0.5;

/** Publishers at once, and what each sends. Three hundred of the first kind are more than two cores can send three times. */
const rounds: ReadonlyArray<{ readonly publishers: number; readonly rates: SampleRates; readonly memory: boolean }> = [
  { publishers: 60, rates: { videoKbps: 2500, audioKbps: 128 }, memory: true },
  { publishers: 300, rates: { videoKbps: 500, audioKbps: 64 }, memory: false },
];

interface Usage {
  readonly name: string;
  /** Of one core, per publisher, and the kernel's part of it. */
  readonly cpuPercent: number;
  readonly kernelPercent: number;
  /** Greatest resident memory of the window less that of the idle server, per publisher. */
  readonly memoryMb: number;
}

interface Loaded extends Server {
  readonly idleMb: number;
  readonly load: LoadProcess;
}

async function load(server: Server, file: string): Promise<Loaded> {
  await sleep(1000);
  const idleMb = await residentMb(server.pid);
  return { ...server, idleMb, load: await LoadProcess.start(file, server.port, server.streamNames) };
}

/** Measures all servers in the same window: whatever else the machine does then, it does to all of them. */
async function measure(servers: readonly Loaded[], publishers: number, windowMs: number): Promise<Usage[]> {
  const before = await Promise.all(servers.map(({ pid }) => cpuTime(pid)));
  const peaks = servers.map(() => 0);
  const began = performance.now();
  while (performance.now() - began < windowMs) {
    await sleep(250);
    for (const [i, { pid }] of servers.entries()) peaks[i] = Math.max(peaks[i] as number, await residentMb(pid));
  }
  const elapsed = performance.now() - began;
  const after = await Promise.all(servers.map(({ pid }) => cpuTime(pid)));
  if (servers.some((server) => !server.load.running)) throw new Error('a publisher was closed during the measurement');
  return servers.map(({ name, idleMb }, i) => {
    const userMs = (after[i]?.userMs ?? 0) - (before[i]?.userMs ?? 0);
    const kernelMs = (after[i]?.kernelMs ?? 0) - (before[i]?.kernelMs ?? 0);
    const percent = (ms: number): number => ((ms / elapsed) * 100) / publishers;
    return { name, cpuPercent: percent(userMs + kernelMs), kernelPercent: percent(kernelMs), memoryMb: ((peaks[i] as number) - idleMb) / publishers };
  });
}

async function runRound(context: BenchContext, { publishers, rates, memory }: (typeof rounds)[number]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-bench-rtmp-'));
  const stops: Array<() => Promise<unknown>> = [() => rm(folder, { recursive: true, force: true })];
  try {
    const file = join(folder, 'sample.flv');
    await recordSample(file, rates);
    const world = await IngestWorld.open();
    stops.push(() => world.close());
    const servers: Loaded[] = [];
    const begin = async (server: Server): Promise<void> => {
      stops.push(server.stop);
      const loaded = await load(server, file);
      stops.push(() => loaded.load.stop());
      servers.push(loaded);
    };
    const module = await findNginxRtmp();
    await begin(await startIngest(world, folder, publishers));
    if (module !== undefined) await begin(await startNginx(module, publishers));
    const { mergeMs } = readIngestSettings({ DATABASE_URL: world.postgres.url, STREAMS_DATA_DIR: folder }).readMerge;
    await begin(await startDrain(publishers, mergeMs));
    await sleep(context.quick ? 4000 : 8000);
    report(
      context,
      { publishers, memory, bitrate: (await readSample(file)).bitrate },
      await measure(servers, publishers, context.quick ? 10_000 : 15_000),
      module !== undefined,
    );
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

interface Round {
  readonly publishers: number;
  readonly bitrate: number;
  readonly memory: boolean;
}

function report(context: BenchContext, { publishers, bitrate, memory }: Round, usages: readonly Usage[], hasPeer: boolean): void {
  const [ours, peer] = usages as [Usage, Usage];
  context.row(`${publishers} publishers of ${(bitrate / 1e6).toFixed(2)} Mbit/s`, 'core per publisher', 'in the kernel', 'memory per stream');
  for (const { name, cpuPercent, kernelPercent, memoryMb } of usages)
    context.row(name, `${cpuPercent.toFixed(3)} %`, `${kernelPercent.toFixed(3)} %`, `${memoryMb.toFixed(3)} MB`);
  if (hasPeer) {
    const ratio = ours.cpuPercent / peer.cpuPercent;
    context.bar(`rtmp.cpu.ratio.${publishers}`, ratio, 'x', `<= ${ratioMax}`, ratio <= ratioMax, 1);
  } else context.row('nginx-rtmp is not installed: no ratio', '', '', '');
  if (memory)
    context.bar('rtmp.memory.per-stream', ours.memoryMb, 'MB', `<= ${memoryMbMax}`, ours.memoryMb <= memoryMbMax, hasPeer ? peer.memoryMb : undefined);
}

export const bench: Bench = {
  name: 'rtmp',
  summary: 'CPU and memory of the ingest process per RTMP publisher, against nginx-rtmp and a Node that only reads, under the same load',
  async run(context) {
    for (const round of context.quick ? rounds.slice(0, 1) : rounds) await runRound(context, round);
  },
};
