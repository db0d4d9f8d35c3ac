import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flvSource } from '../../apps/media/testing/flv-source.ts';
import { captioned, flvFile, spokenEvery2s } from '../interop/captioned-source.ts';

const seconds = 20;

const stamp = (second: number): string => `${String(second).padStart(2, '0')},000`;

/** A real ffmpeg that publishes pictures with captions in them, over and over, until it is stopped: "Sentence 0" and so on in the first channel. */
export class CaptionedPublisher {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** @param url `rtmp://host:port/live/<stream key>` */
  static async start(url: string): Promise<CaptionedPublisher> {
    const folder = await mkdtemp(join(tmpdir(), 'streams-captioned-'));
    const path = join(folder, 'captioned.flv');
    await writeFile(path, flvFile(captioned(await flvSource({ folder, seconds, size: '426x240', rate: '30' }), spokenEvery2s(seconds))));
    // ffmpeg sends subtitles as onTextData beside the media.
    const words = join(folder, 'words.srt');
    await writeFile(
      words,
      Array.from(
        { length: 60 },
        (_, n) => `${n + 1}\n00:0${Math.floor(n / 20)}:${stamp((n % 20) * 3)} --> 00:0${Math.floor(n / 20)}:${stamp((n % 20) * 3 + 2)}\nWord ${n}\n\n`,
      ).join(''),
    );
    const argv = [
      ...['-hide_banner', '-loglevel', 'error', '-re', '-stream_loop', '-1', '-i', path, '-re', '-i', words],
      ...['-map', '0:v', '-map', '0:a', '-map', '1', '-c:v', 'copy', '-c:a', 'copy', '-c:s', 'text', '-f', 'flv', url],
    ];
    return new CaptionedPublisher(spawn('ffmpeg', argv, { stdio: 'ignore' }), folder);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
