import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { IngestProcess, IngestWorld } from '../test/interop/rtmp-ingest-process.ts';
import type { Bench, BenchContext } from './harness/index.ts';
import { LoadProcess } from './rtmp/load-process.ts';
import { readSample, recordSample } from './rtmp/media-sample.ts';
import { findNginxRtmp, NginxRtmp } from './rtmp/nginx-rtmp.ts';
import { cpuMs, residentMb } from './rtmp/process-usage.ts';

const publishers = 60;
const ratioMax = 1.5;
const memoryMbMax = 0.6;

interface Usage {
  /** Of one core, per publisher. */
  readonly cpuPercent: number;
  /** Greatest resident memory of the window less that of the idle server, per publisher. */
  readonly memoryMb: number;
}

interface Subject {
  readonly pid: number;
  readonly idleMb: number;
  readonly load: LoadProcess;
}

async function load(file: string, pid: number, port: number, names: readonly string[]): Promise<Subject> {
  await sleep(1000);
  const idleMb = await residentMb(pid);
  return { pid, idleMb, load: await LoadProcess.start(file, port, names) };
}

/** Measures all servers in the same window: whatever else the machine does then, it does to all of them. */
async function measure(subjects: readonly Subject[], windowMs: number): Promise<Usage[]> {
  const before = await Promise.all(subjects.map(({ pid }) => cpuMs(pid)));
  const peaks = subjects.map(() => 0);
  const began = performance.now();
  while (performance.now() - began < windowMs) {
    await sleep(250);
    for (const [i, { pid }] of subjects.entries()) peaks[i] = Math.max(peaks[i] as number, await residentMb(pid));
  }
  const elapsed = performance.now() - began;
  const after = await Promise.all(subjects.map(({ pid }) => cpuMs(pid)));
  if (subjects.some((subject) => !subject.load.running)) throw new Error('a publisher was closed during the measurement');
  return subjects.map(({ idleMb }, i) => ({
    cpuPercent: ((((after[i] as number) - (before[i] as number)) / elapsed) * 100) / publishers,
    memoryMb: ((peaks[i] as number) - idleMb) / publishers,
  }));
}

function nameOf(i: number): string {
  return `st-aaaaaaaa${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}`;
}

async function run(context: BenchContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-bench-rtmp-'));
  const stops: Array<() => Promise<unknown>> = [() => rm(folder, { recursive: true, force: true })];
  try {
    const file = join(folder, 'sample.flv');
    await recordSample(file);
    const world = await IngestWorld.open();
    stops.push(() => world.close());
    const keys = await Promise.all(Array.from({ length: publishers }, (_, i) => world.createStream(nameOf(i))));
    const ingest = await IngestProcess.start(world.postgres.url, { STREAMS_DATA_DIR: folder });
    stops.push(() => ingest.end('SIGKILL'));
    const ours = await load(file, ingest.pid, ingest.ports.rtmpPort, keys);
    stops.push(() => ours.load.stop());
    const peer = await startPeer(file, stops);
    await sleep(context.quick ? 4000 : 8000);
    const usages = await measure(peer === undefined ? [ours] : [ours, peer], context.quick ? 10_000 : 15_000);
    report(context, (await readSample(file)).bitrate, usages);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startPeer(file: string, stops: Array<() => Promise<unknown>>): Promise<Subject | undefined> {
  const module = await findNginxRtmp();
  if (module === undefined) return undefined;
  const nginx = await NginxRtmp.start(module);
  stops.push(() => nginx.stop());
  const peer = await load(
    file,
    nginx.pid,
    nginx.port,
    Array.from({ length: publishers }, (_, i) => nameOf(i)),
  );
  stops.push(() => peer.load.stop());
  return peer;
}

function report(context: BenchContext, bitrate: number, [ours, peer]: readonly Usage[]): void {
  if (ours === undefined) throw new Error('nothing was measured');
  const cells = ({ cpuPercent, memoryMb }: Usage): string[] => [`${cpuPercent.toFixed(3)} %`, `${memoryMb.toFixed(3)} MB`];
  context.row(`${publishers} publishers of ${(bitrate / 1e6).toFixed(2)} Mbit/s`, 'core per publisher', 'memory per stream');
  context.row('streams ingest', ...cells(ours));
  if (peer === undefined) context.row('nginx-rtmp is not installed: no ratio', '', '');
  else {
    context.row('nginx-rtmp, 1 worker', ...cells(peer));
    const ratio = ours.cpuPercent / peer.cpuPercent;
    context.bar('rtmp.cpu.ratio', ratio, 'x', `<= ${ratioMax}`, ratio <= ratioMax, 1);
  }
  context.bar('rtmp.memory.per-stream', ours.memoryMb, 'MB', `<= ${memoryMbMax}`, ours.memoryMb <= memoryMbMax, peer?.memoryMb);
}

export const bench: Bench = { name: 'rtmp', summary: 'CPU and memory of the ingest process per RTMP publisher, against nginx-rtmp under the same load', run };
