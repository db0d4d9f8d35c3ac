import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Remuxer } from '#core/cmaf';
import { tagType } from '#core/flv';
import { Segmenter } from '#core/fmp4';
import { Platform } from '../test/constellation/platform.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';
import { LoadProcess } from './rtmp/load-process.ts';
import { readSample, recordSample, type MediaSample } from './rtmp/media-sample.ts';
import { type CarriedStream, startCarriedStreams } from './passthrough/carried-streams.ts';
import { CpuWatch } from './passthrough/cpu-watch.ts';
import { measureMemory } from './passthrough/memory.ts';

const run = promisify(execFile);
const rates = { videoKbps: 536, audioKbps: 64 };
const latencyMsMax = 50;
const publishersGoal = 1000;

/** Remux, cut and write `loops` passes of the sample as files. Answers CPU seconds. */
async function ownSeconds({ configs, frames, durationMs }: MediaSample, folder: string, loops: number): Promise<number> {
  const from = process.cpuUsage();
  const names = ['source', 'audio'] as const;
  const renditions = names.map((name) => ({
    name,
    kind: name === 'audio' ? ('audio' as const) : ('video' as const),
    startUs: 0,
    primingTicks: 0,
    isPlaced: true,
  }));
  const segmenter = new Segmenter({ gridUs: 2_000_000, mediaSequence: 0, apartUsMax: 8_000_000, keyFrames: 'as-they-come', renditions });
  const remuxers = renditions.map(({ kind }) => {
    const config = configs.find(({ type }) => type === tagType[kind]);
    if (config === undefined) throw new Error(`the sample has no ${kind}`);
    return new Remuxer({ kind, config: config.body, offsetMs: 0, startUs: 0 });
  });
  for (let loop = 0; loop < loops; loop++) {
    for (const { type, body, timestampMs } of frames) {
      const index = type === tagType.video ? 0 : 1;
      for (const part of (remuxers[index] as Remuxer).push(body, timestampMs + loop * durationMs)) {
        if (part.kind === 'init') {
          segmenter.begin(names[index], part.track);
          continue;
        }
        for (const { mediaSequence, segments } of segmenter.push(names[index], part.fragment))
          for (const { rendition, bytes } of segments) await writeFile(join(folder, `${rendition}-${mediaSequence}.m4s`), bytes);
      }
    }
  }
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6;
}

/** ffmpeg's own segmenter on the same media as often. Answers CPU seconds. */
async function peerSeconds(file: string, folder: string, loops: number): Promise<number> {
  const output = ['-c', 'copy', '-f', 'hls', '-hls_segment_type', 'fmp4', '-hls_time', '2', '-hls_list_size', '0', join(folder, 'peer.m3u8')];
  const { stderr } = await run('ffmpeg', ['-hide_banner', '-benchmark', '-stream_loop', String(loops - 1), '-i', file, ...output], { maxBuffer: 1e8 });
  const [, user = '', system = ''] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  return Number(user) + Number(system);
}

async function measureCpu(context: BenchContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-bench-carry-'));
  try {
    const file = join(folder, 'sample.flv');
    await recordSample(file);
    const sample = await readSample(file);
    const loops = context.quick ? 30 : 90;
    await ownSeconds(sample, folder, 3);
    // One after the other, twice: whatever else the machine does, it does to both.
    const [own, peer] = [
      [0, 0],
      [0, 0],
    ] as [number[], number[]];
    for (const round of [0, 1]) {
      own[round] = await ownSeconds(sample, folder, loops);
      peer[round] = await peerSeconds(file, folder, loops);
    }
    const percent = (seconds: readonly number[]): number => (Math.min(...seconds) * 100) / ((loops * sample.durationMs) / 1000);
    context.row('720p30 of 2.6 Mbit/s into segments of 2 s', '% of a core per stream', '');
    context.row('streams, remux and cut', percent(own).toFixed(3), '');
    context.row('ffmpeg -c copy -f hls', percent(peer).toFixed(3), '');
    const ratio = percent(own) / percent(peer);
    context.bar('passthrough.cpu.ratio', ratio, 'x of ffmpeg -c copy -f hls', '<= 1', ratio <= 1, 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Detail {
  readonly renditions: ReadonlyArray<{
    readonly name: string;
    readonly segments: ReadonlyArray<{
      readonly mediaSequence: number;
      readonly durationMs: number;
      readonly discontinuity: boolean;
      readonly recordedAt: string;
      readonly producedAt: string;
    }>;
  }>;
}

interface Outcome {
  readonly publishers: number;
  readonly lost: number;
  readonly delaysMs: readonly number[];
  readonly lateMs: readonly number[];
  readonly running: boolean;
}

/** By what a publisher's clock and the session's may be apart at most, ms: more is a segment that was taken for another. */
const apartMsMax = 1000;

/**
 * What became of every stream: its newest segments one behind the other, each stored so long after the key frame that ends it
 * was sent; sessions begin in a hurry, so the delay counts once all are there.
 */
async function judge(platform: Platform, publishing: readonly CarriedStream[], loads: readonly LoadProcess[], sinceMs: number): Promise<Outcome> {
  const told = await Promise.all(loads.map((one) => one.keyFrames()));
  const sent = new Map(told.flatMap((one) => Object.entries(one)));
  const delaysMs: number[] = [];
  let lost = 0;
  for (const { id, streamKey } of publishing) {
    const { renditions } = await platform.api<Detail>('GET', `/api/v1/streams/${id}`);
    const segments = (renditions.find(({ name }) => name === 'source')?.segments ?? []).toSorted((a, b) => a.mediaSequence - b.mediaSequence);
    if (segments.length === 0) lost += 1;
    segments.forEach(({ mediaSequence, durationMs, discontinuity, recordedAt, producedAt }, n) => {
      const before = segments[n - 1];
      if (before !== undefined && (discontinuity || mediaSequence !== before.mediaSequence + 1)) lost += 1;
      const storedMs = Date.parse(producedAt);
      if (storedMs < sinceMs) return;
      // By the session's clock, whose zero is when the publisher was let in: some time before its first frame.
      const bySession = storedMs - Date.parse(recordedAt) - durationMs;
      const delay = storedMs - (sent.get(streamKey)?.sentMs.findLast((ms) => ms <= storedMs) ?? Number.NaN);
      delaysMs.push(Math.abs(bySession - delay) < apartMsMax ? delay : bySession);
    });
  }
  const lateMs = [...sent.values()].flatMap(({ sentMs, lateMs: late }) => late.filter((_ms, n) => (sentMs[n] as number) >= sinceMs));
  return { publishers: publishing.length, lost, delaysMs, lateMs, running: loads.every(({ running }) => running) };
}

const shown = (times: readonly number[]): string => [0.5, 0.99].map((q) => (times.length === 0 ? '-' : quantile(times, q).toFixed(0))).join(' / ');

/** Publishers join in steps until the machine has no more to give; the last step that was good counts. */
async function measureLoad(context: BenchContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-bench-carry-'));
  const file = join(folder, 'sample.flv');
  await recordSample(file, rates);
  const platform = await Platform.start({ dataDir: join(folder, 'data'), env: { MEDIA_STREAMS_MAX: '1000' } });
  const loads: LoadProcess[] = [];
  const publishing: CarriedStream[] = [];
  let best = 0;
  try {
    const heads = ['lost', 'stored after, median / p99, ms', 'sent late, median / p99, ms', 'ingest, media, generators: % of a core', 'idle, of all cores'];
    context.row('publishers of 600 kbit/s', ...heads);
    for (const publishers of context.quick ? [50, 100] : [100, 200, 300, 500, 750, 1000]) {
      const streams = await startCarriedStreams(platform, publishers - publishing.length);
      publishing.push(...streams);
      const keys = streams.map(({ streamKey }) => streamKey);
      loads.push(await LoadProcess.start(file, platform.ports.rtmp, keys));
      await new Promise((resolve) => setTimeout(resolve, 4000));
      const sinceMs = Date.now();
      const watch = await CpuWatch.start([platform.processes('ingest')[0]?.pid, platform.processes('media')[0]?.pid, loads.map(({ pid }) => pid)]);
      await new Promise((resolve) => setTimeout(resolve, context.quick ? 8000 : 14_000));
      const cpu = await watch.stop();
      const outcome = await judge(platform, publishing, loads, sinceMs);
      const cores = cpu.percents.map((one) => one.toFixed(0)).join(', ');
      context.row(publishers, outcome.lost, shown(outcome.delaysMs), shown(outcome.lateMs), cores, `${cpu.idlePercent.toFixed(0)} %`);
      if (outcome.lost > 0 || !outcome.running || outcome.delaysMs.length === 0 || quantile(outcome.delaysMs, 0.99) >= latencyMsMax) break;
      best = publishers;
    }
  } finally {
    for (const one of loads) await one.stop();
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  }
  context.bar('passthrough.publishers', best, `publishers, 0 lost and p99 < ${latencyMsMax} ms`, `>= ${publishersGoal}`, best >= publishersGoal);
}

export const bench: Bench = {
  name: 'passthrough',
  summary:
    "a source carried as it is: CPU against ffmpeg's own segmenter; the ingest's memory while its media is stored; publishers of 600 kbit/s that one machine records to segments",
  async run(context) {
    await measureCpu(context);
    await measureMemory(context);
    await measureLoad(context);
  },
};
