import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encoderArguments, planRenditions, type EncoderPlan, type PlannedRendition } from '#core/ffmpeg-plan';
import { Fmp4Splitter, Segmenter } from '#core/fmp4';
import { NodeProcessRunner } from '#adapters/ffmpeg';
import type { Bench, BenchContext } from './harness/index.ts';

const run = promisify(execFile);
const source = { video: { codec: 'h264', width: 1280, height: 720, frameRate: 30, interlaced: false }, audio: { codec: 'aac' } };
const ladder = {
  rungs: [
    { name: '720p', height: 720, videoBitrate: 2_500_000 },
    { name: '480p', height: 480, videoBitrate: 1_200_000 },
    { name: '240p', height: 240, videoBitrate: 400_000 },
  ],
  audioBitrate: 128_000,
};

function encoderPlan(): { renditions: readonly PlannedRendition[]; plan: EncoderPlan } {
  const renditions = planRenditions({ source, ladder, established: [] });
  const places = { segmentDurationUs: 2_000_000, videoStartUs: 0, audioStartUs: 0, gridPhaseUs: 0 };
  return { renditions, plan: encoderArguments({ source, renditions, preset: 'veryfast', ...places }) };
}

function segmenterOf(renditions: readonly PlannedRendition[], { outputs }: EncoderPlan): Segmenter {
  const priming = (name: string): number => outputs.find(({ rendition }) => rendition === name)?.primingTicks ?? 0;
  const places = renditions.map(({ name, kind }) => ({ name, kind, startUs: 0, primingTicks: priming(name) }));
  return new Segmenter({ gridUs: 2_000_000, mediaSequence: 0, apartUsMax: Number.MAX_SAFE_INTEGER, renditions: places });
}

/** The bare encoder: the same arguments, its outputs thrown away. Answers wall seconds. */
async function bareSeconds(path: string): Promise<number> {
  const { argv } = encoderPlan().plan;
  const quiet = argv.map((one) => (/^pipe:[1-9]$/.test(one) ? '/dev/null' : one === 'pipe:0' ? path : one));
  quiet.splice(quiet.indexOf('-protocol_whitelist'), 2);
  const from = performance.now();
  await run('ffmpeg', ['-y', ...quiet], { maxBuffer: 1e8 });
  return (performance.now() - from) / 1000;
}

interface Packaged {
  readonly seconds: number;
  readonly segments: number;
  /** Each rendition's fragmented MP4, in the chunks in which the pipes gave it. */
  readonly chunks: ReadonlyArray<{ readonly rendition: string; readonly bytes: Uint8Array }>;
}

/** The encoder as the media app runs it: fed on a pipe, its outputs cut into segments while it runs. */
async function packaged(path: string, runPath: string, ffmpeg: string): Promise<Packaged> {
  const { renditions, plan } = encoderPlan();
  const segmenter = segmenterOf(renditions, plan);
  const chunks: Array<{ rendition: string; bytes: Uint8Array }> = [];
  let segments = 0;
  const from = performance.now();
  const encoder = await new NodeProcessRunner({ runPath }).start({ program: ffmpeg, argv: plan.argv, outputs: [1, ...plan.outputs.map(({ fd }) => fd)] });
  const outputs = plan.outputs.map(async ({ rendition, fd }) => {
    const splitter = new Fmp4Splitter({ boxBytesMax: 32e6 });
    for await (const bytes of encoder.output(fd)) {
      chunks.push({ rendition, bytes });
      segments += take(segmenter, rendition, splitter, bytes);
    }
  });
  const progress = (async () => {
    for await (const chunk of encoder.output(1)) if (chunk.length === 0) break;
  })();
  for await (const chunk of createReadStream(path)) await encoder.write(chunk as Uint8Array);
  encoder.endInput();
  await Promise.all([...outputs, progress, encoder.exited]);
  segments += segmenter.flush().length;
  return { seconds: (performance.now() - from) / 1000, segments, chunks };
}

function take(segmenter: Segmenter, rendition: string, splitter: Fmp4Splitter, bytes: Uint8Array): number {
  let segments = 0;
  for (const part of splitter.push(bytes)) {
    if (part.kind === 'init') segmenter.begin(rendition, part.track);
    else segments += segmenter.push(rendition, part.fragment).length;
  }
  return segments;
}

/** Splitting, parsing, regrouping and writing alone, on what the encoder really wrote. Answers CPU seconds per pass. */
function packagingSeconds(chunks: Packaged['chunks'], passes: number): number {
  const { renditions, plan } = encoderPlan();
  const from = process.cpuUsage();
  for (let pass = 0; pass < passes; pass++) {
    const segmenter = segmenterOf(renditions, plan);
    const splitters = new Map(renditions.map(({ name }) => [name, new Fmp4Splitter({ boxBytesMax: 32e6 })]));
    for (const { rendition, bytes } of chunks) take(segmenter, rendition, splitters.get(rendition) as Fmp4Splitter, bytes);
    segmenter.flush();
  }
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6 / passes;
}

async function measure(context: BenchContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-bench-'));
  const seconds = context.quick ? 8 : 16;
  try {
    const path = join(folder, 'source.flv');
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30', '-f', 'lavfi', '-i', 'sine=sample_rate=44100'];
    await run('ffmpeg', [
      '-v',
      'error',
      ...picture,
      '-t',
      `${seconds}`,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-g',
      '60',
      '-b:v',
      '2500k',
      '-c:a',
      'aac',
      '-f',
      'flv',
      path,
    ]);
    const ffmpeg = (await run('/bin/sh', ['-c', 'command -v ffmpeg'])).stdout.trim();
    const bare = await bareSeconds(path);
    const own = await packaged(path, join(folder, 'run'), ffmpeg);
    // The tail may be a segment of its own.
    if (own.segments < seconds / 2) throw new Error(`only ${own.segments} segments of ${seconds} s`);
    const bytes = own.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
    packagingSeconds(own.chunks, 3);
    const cpu = packagingSeconds(own.chunks, context.quick ? 20 : 100);
    context.row('720p30 to 720p, 480p, 240p and audio', 'times real time');
    context.row('bare ffmpeg', (seconds / bare).toFixed(2));
    context.row('ffmpeg and packager', (seconds / own.seconds).toFixed(2));
    context.bar(
      'packager.ladder',
      seconds / own.seconds,
      'x real time',
      '>= 1 and >= 0.8 x bare ffmpeg',
      own.seconds <= seconds && own.seconds * 0.8 <= bare,
      seconds / bare,
    );
    context.bar('packager.cpu', (cpu / seconds) * 100, '% of a core per stream', '<= 1', cpu / seconds <= 0.01);
    context.bar('packager.throughput', bytes / cpu / 1e6, 'MB/s per core', '>= 100', bytes / cpu >= 100e6);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  name: 'packager',
  summary: 'one ffmpeg and the packager behind it: the default ladder in real time, against the bare encoder with the same arguments',
  run: measure,
};
