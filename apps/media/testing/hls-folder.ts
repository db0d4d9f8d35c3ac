import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { renderMedia, renderMultivariant, targetDurationOf, type PlaylistRendition } from '#core/hls';
import type { BlobStore } from '#ports';
import type { Segment } from './published-stream.ts';

const run = promisify(execFile);

/** Lays a stream out as the gateway serves it, so that a real player's demuxer can judge the playlists. Answers the multivariant playlist's path. */
export async function hlsFolder(folder: string, blobs: BlobStore, renditions: readonly PlaylistRendition[], segments: readonly Segment[]): Promise<string> {
  const live = join(folder, 'live', 'st');
  const media = join(folder, 'media');
  await Promise.all([mkdir(live, { recursive: true }), mkdir(media, { recursive: true })]);
  await writeFile(join(live, 'master.m3u8'), renderMultivariant({ renditions }));
  for (const { name } of renditions) {
    const own = segments.filter(({ rendition }) => rendition === name);
    await writeFile(
      join(live, `${name}.m3u8`),
      renderMedia({ segments: own, targetDurationSec: targetDurationOf(2000), discontinuitySequence: 0, ended: true }),
    );
  }
  for (const { cid, initCid } of segments) {
    await writeFile(join(media, `${cid}.m4s`), await blobs.read(cid));
    await writeFile(join(media, `${initCid}.mp4`), await blobs.read(initCid));
  }
  return join(live, 'master.m3u8');
}

export interface Probed {
  readonly complaints: string;
  readonly streams: ReadonlyArray<{ readonly codec_name: string; readonly width?: number; readonly height?: number; readonly packets: number }>;
  /** Seconds. */
  readonly duration: number;
}

/** Where picture and sound begin for a player that is built on libavformat, seconds. */
export async function beginnings(path: string): Promise<Readonly<Record<'video' | 'audio', number>>> {
  const argv = ['-v', 'error', '-show_entries', 'packet=codec_type,pts_time', '-of', 'csv=p=0', path];
  const { stdout } = await run('ffprobe', argv, { maxBuffer: 1e8 });
  const times = (kind: string): number[] => stdout.split('\n').flatMap((line) => (line.startsWith(`${kind},`) ? [Number(line.split(',')[1])] : []));
  return { video: Math.min(...times('video')), audio: Math.min(...times('audio')) };
}

/** What ffprobe makes of a playlist, every packet read. */
export async function probe(path: string): Promise<Probed> {
  const argv = ['-v', 'warning', '-count_packets', '-show_entries', 'stream=codec_name,width,height,nb_read_packets:format=duration', '-of', 'json', path];
  const { stdout, stderr } = await run('ffprobe', argv);
  const found = JSON.parse(stdout) as {
    streams: Array<{ codec_name: string; width?: number; height?: number; nb_read_packets: string }>;
    format: { duration: string };
  };
  const streams = found.streams.map(({ nb_read_packets, ...stream }) => ({ ...stream, packets: Number(nb_read_packets) }));
  // This demuxer says so of every EXT-X-MAP after the first, which RFC 8216 section 4.3.2.5 allows.
  const complaints = stderr.replaceAll(/^.*Found duplicated MOOV Atom. Skipped it\n/gm, '');
  return { complaints, streams, duration: Number(found.format.duration) };
}
