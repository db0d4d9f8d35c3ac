import { FlvReader, tagType, type FlvTag } from '#core/flv';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Length of the sample that is replayed in a loop, s; a multiple of its group of pictures. */
const seconds = 10;

export interface SampleRates {
  readonly videoKbps: number;
  readonly audioKbps: number;
}

/** Real ffmpeg output: 720p30 H.264 of a constant bitrate with a key frame every 2 s, and AAC. */
export async function recordSample(file: string, { videoKbps, audioKbps }: SampleRates = { videoKbps: 2500, audioKbps: 128 }): Promise<void> {
  const bitrate = `${videoKbps}k`;
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30', '-f', 'lavfi', '-i', 'anoisesrc=amplitude=0.3:sample_rate=48000'];
  const rate = ['-b:v', bitrate, '-minrate', bitrate, '-maxrate', bitrate, '-bufsize', bitrate, '-x264-params', 'nal-hrd=cbr'];
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0', ...rate];
  const audio = ['-c:a', 'aac', '-b:a', `${audioKbps}k`, '-ac', '2'];
  await promisify(execFile)('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...picture, '-t', String(seconds), ...video, ...audio, '-f', 'flv', file]);
}

export interface MediaSample {
  readonly configs: readonly FlvTag[];
  readonly frames: readonly FlvTag[];
  readonly durationMs: number;
  /** Bits of all frames per second. */
  readonly bitrate: number;
}

export async function readSample(file: string): Promise<MediaSample> {
  const tags = new FlvReader().push(await readFile(file));
  const isConfig = (tag: FlvTag): boolean => tag.type === tagType.script || tag.body[1] === 0;
  const frames = tags.filter((tag) => !isConfig(tag) && tag.timestampMs < seconds * 1000 && tag.body[1] === 1);
  const bytes = frames.reduce((sum, tag) => sum + tag.body.length, 0);
  return { configs: tags.filter(isConfig), frames, durationMs: seconds * 1000, bitrate: (bytes * 8) / seconds };
}
