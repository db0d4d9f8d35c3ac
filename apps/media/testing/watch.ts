import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const bytesMax = 256 * 1024 * 1024;

export interface Watched {
  /** What the decoder complained about; empty when every byte decodes. */
  readonly complaints: string;
  /** Seconds at which a flash or a beep begins, on the file's own timeline. */
  readonly marks: readonly number[];
}

async function decode(path: string, argv: readonly string[]): Promise<{ readonly raw: Buffer; readonly complaints: string }> {
  const { stdout, stderr } = await run('ffmpeg', ['-v', 'warning', '-copyts', '-i', path, ...argv, '-'], { encoding: 'buffer', maxBuffer: bytesMax });
  return { raw: stdout, complaints: stderr.toString() };
}

/** Start of a file's media on its own timeline, seconds. */
async function startOf(path: string): Promise<number> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=pts_time', '-read_intervals', '%+#1', '-of', 'csv=p=0', path]);
  return Number.parseFloat(stdout);
}

/** Decodes a rendition's video completely and finds its flashes. */
export async function watchVideo(bytes: Uint8Array, path: string, rate: number): Promise<Watched> {
  await writeFile(path, bytes);
  const { raw, complaints } = await decode(path, ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', '8x8']);
  const start = await startOf(path);
  const white = Array.from({ length: raw.length / 64 }, (_, frame) => (raw[frame * 64] as number) > 128);
  return { complaints, marks: white.flatMap((on, frame) => (on && white[frame - 1] !== true ? [start + frame / rate] : [])) };
}

/** Decodes a rendition's audio completely and finds its beeps. */
export async function watchAudio(bytes: Uint8Array, path: string): Promise<Watched> {
  await writeFile(path, bytes);
  const { raw, complaints } = await decode(path, ['-f', 's16le', '-ac', '1', '-ar', '48000']);
  const start = await startOf(path);
  const marks: number[] = [];
  let lastLoud = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < raw.length / 2; at++) {
    if (Math.abs(raw.readInt16LE(at * 2)) < 3000) continue;
    if (at - lastLoud > 12_000) marks.push(start + at / 48_000);
    lastLoud = at;
  }
  return { complaints, marks };
}
