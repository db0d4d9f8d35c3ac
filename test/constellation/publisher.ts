import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { timecodeFilter } from './timecode.ts';

export interface PublisherInit {
  /** `rtmp://host:port/live/<stream key>`. */
  readonly url: string;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  readonly videoBitrate?: string;
}

/** A real ffmpeg that publishes a moving picture with a timecode and a tone, in real time, until it is stopped. */
export class Publisher {
  readonly #child: ChildProcess;
  #log = '';

  constructor(init: PublisherInit) {
    const { width = 1280, height = 720, frameRate = 30, videoBitrate = '2500k' } = init;
    const picture = `testsrc2=size=${width}x${height}:rate=${frameRate}`;
    this.#child = spawn(
      'ffmpeg',
      [
        ...['-hide_banner', '-loglevel', 'warning', '-re', '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
        ...['-filter_complex', timecodeFilter(width, height).replace('[in]', '[0:v]'), '-map', '[out]', '-map', '1:a'],
        ...[
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          '-tune',
          'zerolatency',
          '-pix_fmt',
          'yuv420p',
          '-b:v',
          videoBitrate,
          '-maxrate',
          videoBitrate,
          '-bufsize',
          videoBitrate,
        ],
        ...['-g', String(frameRate * 2), '-c:a', 'aac', '-b:a', '128k', '-ar', '48000', '-f', 'flv', init.url],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-20_000);
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What ffmpeg complained about, the newest 20 KB. */
  get log(): string {
    return this.#log;
  }

  /** Resolves with the exit code when ffmpeg has ended by itself. */
  async ended(): Promise<number | null> {
    if (this.running) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (!this.running) return;
    this.#child.kill(signal);
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await once(this.#child, 'exit');
    clearTimeout(force);
  }
}
