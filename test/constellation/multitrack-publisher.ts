import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FlvReader, readVideoHeader, tagType, trackBodyOf, type FlvTag } from '#core/flv';
import { multitrackSource } from '../interop/multitrack-source.ts';
import { RtmpPublisher } from '../interop/rtmp-publisher.ts';

const run = promisify(execFile);
const seconds = 20;
const sendEveryMs = 20;

export interface MultitrackPublisherInit {
  readonly port: number;
  readonly streamKey: string;
  /** Of each track, `640x360`; the first is track 0, and has the sound. */
  readonly sizes: readonly string[];
  /** A second sound beside the 440 Hz of the first: its tone, and in which language it is. */
  readonly second?: { readonly hertz: number; readonly language: string };
}

/** A moving picture of one size as libx264 makes it, a key frame every two seconds. With sound, so that all have the same times. */
async function encoded(folder: string, size: string): Promise<readonly FlvTag[]> {
  const path = join(folder, `${size}.flv`);
  const picture = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-c:a', 'aac', '-b:a', '96k'];
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', '-sc_threshold', '0'];
  await run('ffmpeg', ['-v', 'error', '-y', ...picture, ...sound, ...video, '-t', `${seconds}`, '-f', 'flv', path]);
  return new FlvReader().push(new Uint8Array(await readFile(path)));
}

async function tone(folder: string, hertz: number): Promise<readonly FlvTag[]> {
  const path = join(folder, `${hertz}.flv`);
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=48000`, '-c:a', 'aac', '-b:a', '96k'];
  await run('ffmpeg', ['-v', 'error', '-y', ...sound, '-t', `${seconds}`, '-f', 'flv', path]);
  return new FlvReader().push(new Uint8Array(await readFile(path)));
}

/** Sends several pictures over one connection as an encoder with a ladder of its own does, in real time, over and over. */
export class MultitrackPublisher {
  readonly #publisher: RtmpPublisher;
  readonly #tags: readonly FlvTag[];
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #at = 0;
  #round = 0;

  private constructor(publisher: RtmpPublisher, tags: readonly FlvTag[]) {
    this.#publisher = publisher;
    this.#tags = tags;
    this.#timer = setInterval(() => this.#send(), sendEveryMs);
  }

  static async start({ port, streamKey, sizes, second }: MultitrackPublisherInit): Promise<MultitrackPublisher> {
    const folder = await mkdtemp(join(tmpdir(), 'streams-multitrack-'));
    const [first = [], ...others] = await Promise.all(sizes.map((size) => encoded(folder, size)));
    const audio = second === undefined ? [] : [{ id: 1, tags: await tone(folder, second.hertz), metadata: { language: second.language } }];
    await rm(folder, { recursive: true });
    const tags = multitrackSource({ first, video: others.map((track, at) => ({ id: at + 1, tags: track })), audio });
    const publisher = await RtmpPublisher.publish({ host: '127.0.0.1', port, app: 'live', streamName: streamKey, capabilities: { capsEx: 2 } });
    return new MultitrackPublisher(publisher, tags);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#publisher.socket.destroy();
  }

  #send(): void {
    for (;;) {
      const tag = this.#tags[this.#at];
      if (tag === undefined) {
        this.#at = 0;
        this.#round += 1;
        continue;
      }
      const timestampMs = tag.timestampMs + this.#round * seconds * 1000;
      if (timestampMs > performance.now() - this.#startedAt) return;
      this.#at += 1;
      if (this.#round === 0 || isFrames(tag)) this.#publisher.sendTag(tag, timestampMs);
    }
  }
}

/** What is said once is not said again. */
function isFrames({ type, body }: FlvTag): boolean {
  if (type === tagType.script) return false;
  if (type === tagType.audio) return (trackBodyOf(body, 'audio')?.body ?? body)[1] === 1;
  return readVideoHeader(trackBodyOf(body, 'video')?.body ?? body).kind === 'frames';
}
