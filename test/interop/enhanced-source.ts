import { encodeEnhanced, tagType, type FlvTag } from '#core/flv';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface EnhancedSourceInit {
  readonly folder: string;
  readonly seconds: number;
  /** An encoder of ffmpeg with its options; the FourCC that Enhanced RTMP has for it. */
  readonly video?: { readonly fourCc: string; readonly encode: readonly string[] };
  readonly audio?: { readonly fourCc: string; readonly encode: readonly string[] };
}

interface Block {
  readonly track: number;
  readonly timeMs: number;
  readonly keyFrame: boolean;
  readonly payload: Uint8Array;
}

interface Track {
  isVideo: boolean;
  config: Uint8Array;
}

/** Masters that are read into; everything else is data. */
const masters = new Set([0x18538067, 0x1654ae6b, 0xae, 0x1f43b675, 0xa0]);

/** Reads what ffmpeg's Matroska muxer wrote: configurations and frames there are the bytes that Enhanced RTMP carries. */
class MatroskaFile {
  readonly tracks = new Map<number, Track>();
  readonly blocks: Block[] = [];
  #track = 0;
  #clusterMs = 0;

  constructor(bytes: Uint8Array) {
    this.#read(bytes, 0, bytes.length);
  }

  #read(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to;) {
      const idBytes = Math.clz32(bytes[at] as number) - 23;
      const id = number(bytes.subarray(at, at + idBytes));
      at += idBytes;
      const sizeBytes = Math.clz32(bytes[at] as number) - 23;
      // Without the marker first: eight bytes with it are more than a number holds.
      const size = number(Uint8Array.of((bytes[at] as number) & (0xff >> sizeBytes), ...bytes.subarray(at + 1, at + sizeBytes)));
      at += sizeBytes;
      const end = Math.min(to, at + size);
      if (masters.has(id)) this.#read(bytes, at, end);
      else this.#element(id, bytes.subarray(at, end));
      at = end;
    }
  }

  #element(id: number, data: Uint8Array): void {
    if (id === 0xd7) this.tracks.set((this.#track = number(data)), { isVideo: false, config: new Uint8Array(0) });
    const track = this.tracks.get(this.#track) as Track;
    if (id === 0x83) track.isVideo = number(data) === 1;
    if (id === 0x63a2) track.config = data.slice();
    if (id === 0xe7) this.#clusterMs = number(data);
    if (id !== 0xa3) return;
    const distance = (((data[1] as number) << 24) | ((data[2] as number) << 16)) >> 16;
    const keyFrame = ((data[3] as number) & 0x80) !== 0;
    this.blocks.push({ track: (data[0] as number) & 0x7f, timeMs: this.#clusterMs + distance, keyFrame, payload: data.slice(4) });
  }
}

function number(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/**
 * What a publisher of Enhanced RTMP would send, made from what real encoders make: ffmpeg 5.1 encodes these codecs, but
 * cannot send them so. One white flash and one beep a second, 320x180, 30 frames/s.
 */
export async function enhancedSource({ folder, seconds, video, audio }: EnhancedSourceInit): Promise<readonly FlvTag[]> {
  const path = join(folder, `enhanced-${video?.fourCc}-${audio?.fourCc}.mkv`);
  const picture = ['-f', 'lavfi', '-i', `color=black:size=320x180:rate=30,drawbox=color=white:t=fill:enable='lt(mod(t+0.001,1),0.1)'`];
  const sound = ['-f', 'lavfi', '-i', "aevalsrc='if(lt(mod(t,1),0.1),0.8*sin(2*PI*1000*t),0)':s=48000:c=stereo"];
  const inputs = [...(video ? picture : []), ...(audio ? sound : [])];
  const encode = [...(video ? ['-pix_fmt', 'yuv420p', ...video.encode] : []), ...(audio?.encode ?? [])];
  await run('ffmpeg', ['-v', 'error', '-y', ...inputs, '-t', `${seconds}`, ...encode, '-f', 'matroska', path]);
  const file = new MatroskaFile(new Uint8Array(await readFile(path)));
  const tags = [...file.tracks].flatMap(([id, track]) => tagsOf(file, id, track, track.isVideo ? video?.fourCc : audio?.fourCc));
  return tags.sort((a, b) => a.timestampMs - b.timestampMs);
}

/** Matroska has presentation times alone; decoding goes at the same pace, as far ahead as the latest picture needs. */
function aheadMs(file: MatroskaFile): number {
  const blocks = file.blocks.filter(({ track }) => file.tracks.get(track)?.isVideo);
  const shown = blocks.map((block) => block.timeMs).sort((a, b) => a - b);
  return Math.max(...blocks.map((block, at) => (shown[at] as number) - block.timeMs), 0);
}

function tagsOf(file: MatroskaFile, id: number, { isVideo, config }: Track, fourCc = ''): FlvTag[] {
  const kind = isVideo ? 'video' : 'audio';
  const type = isVideo ? tagType.video : tagType.audio;
  const blocks = file.blocks.filter((block) => block.track === id);
  const shown = blocks.map((block) => block.timeMs).sort((a, b) => a - b);
  const ahead = aheadMs(file);
  const body = (packetType: number, frameType: number, payload: Uint8Array): Uint8Array => encodeEnhanced(kind, { frameType, packetType, fourCc, payload });
  const frames = blocks.map(({ timeMs, keyFrame, payload }, at) => {
    const decodeMs = (shown[at] as number) + (isVideo ? 0 : ahead);
    const compositionMs = timeMs + ahead - decodeMs;
    const composed = fourCc === 'hvc1' || fourCc === 'avc1';
    const whole = composed ? Uint8Array.of(compositionMs >> 16, compositionMs >> 8, compositionMs, ...payload) : payload;
    return { type, timestampMs: decodeMs, body: body(1, keyFrame ? 1 : 2, whole) };
  });
  // MP3 needs no configuration; the ingest hands an empty one on, which says that there is sound.
  return config.length === 0 && fourCc !== '.mp3' ? frames : [{ type, timestampMs: 0, body: body(0, 1, config) }, ...frames];
}
