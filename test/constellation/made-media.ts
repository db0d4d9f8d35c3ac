import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Fmp4Splitter, Segmenter, type Fragment, type PartialSegment, type SegmentGroup, type TrackInit } from '#core/fmp4';

const run = promisify(execFile);

export interface MadeRendition {
  readonly name: string;
  readonly kind: 'video' | 'audio';
  readonly init: Uint8Array;
  readonly track: TrackInit;
}

export interface MadeMedia {
  readonly renditions: readonly MadeRendition[];
  readonly groups: readonly SegmentGroup[];
  /** The same segments part by part, as they become certain. */
  readonly parts: readonly PartialSegment[];
}

export interface MediaInit {
  readonly seconds: number;
  /** Heights of the video renditions, best first. */
  readonly heights: readonly number[];
  /** Where on the stream's timeline it begins, seconds; and the number of its first segments. */
  readonly startSec: number;
  readonly mediaSequence: number;
}

const fragmented = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof+cmaf', '-f', 'mp4'];
/** One frame of silence before the first sample, as the AAC encoder writes it. */
const aacPrimingTicks = 1024;

/** Segments of 2 s as the packager cuts them, of a real encoder's picture and tone, made faster than in real time. */
export async function makeMedia({ seconds, heights, startSec, mediaSequence }: MediaInit): Promise<MadeMedia> {
  const folder = await mkdtemp(join(tmpdir(), 'made-media-'));
  try {
    const names = [...heights.map((height) => `${height}p`), 'audio'];
    const outputs = heights.flatMap((height) => [
      ...[
        '-map',
        '0:v',
        '-vf',
        `scale=-2:${height}`,
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-pix_fmt',
        'yuv420p',
        '-bf',
        '0',
        '-g',
        '50',
        '-sc_threshold',
        '0',
      ],
      ...['-b:v', '200k', '-video_track_timescale', '90000', '-frag_duration', '500000', ...fragmented, join(folder, `${height}p.mp4`)],
    ]);
    const sound = ['-map', '1:a', '-c:a', 'aac', '-b:a', '64k', '-ac', '2', '-frag_duration', '100000', ...fragmented, join(folder, 'audio.mp4')];
    const inputs = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
    await run('ffmpeg', [
      '-y',
      '-v',
      'error',
      '-t',
      String(seconds),
      ...inputs,
      '-t',
      String(seconds),
      ...outputs.flatMap((one) => (one === '-map' ? ['-t', String(seconds), one] : [one])),
      '-t',
      String(seconds),
      ...sound,
    ]);
    const files = await Promise.all(names.map((name) => readFile(join(folder, `${name}.mp4`))));
    return cut(names, files, startSec * 1_000_000, mediaSequence);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function cut(names: readonly string[], files: readonly Uint8Array[], startUs: number, mediaSequence: number): MadeMedia {
  const kindOf = (name: string): 'video' | 'audio' => (name === 'audio' ? 'audio' : 'video');
  const places = names.map((name) => ({ name, kind: kindOf(name), startUs, primingTicks: name === 'audio' ? aacPrimingTicks : 0 }));
  const segmenter = new Segmenter({ gridUs: 2_000_000, mediaSequence, apartUsMax: Number.MAX_SAFE_INTEGER, renditions: places, parts: true });
  const renditions: MadeRendition[] = [];
  const groups: SegmentGroup[] = [];
  const parts: PartialSegment[] = [];
  const fragments: Array<{ readonly name: string; readonly sec: number; readonly fragment: Fragment }> = [];
  for (const [at, name] of names.entries()) {
    let timescale = 1;
    for (const part of new Fmp4Splitter({ boxBytesMax: 32_000_000 }).push(files[at] as Uint8Array)) {
      if (part.kind === 'fragment') fragments.push({ name, sec: part.fragment.baseDecodeTime / timescale, fragment: part.fragment });
      else {
        ({ timescale } = part.track);
        segmenter.begin(name, part.track);
        renditions.push({ name, kind: kindOf(name), init: part.bytes, track: part.track });
      }
    }
  }
  // As an encoder hands them out: none runs ahead of the others.
  for (const { name, fragment } of fragments.toSorted((one, other) => one.sec - other.sec)) {
    groups.push(...segmenter.push(name, fragment));
    parts.push(...segmenter.takeParts());
  }
  groups.push(...segmenter.flush());
  return { renditions, groups, parts: [...parts, ...segmenter.takeParts()] };
}
