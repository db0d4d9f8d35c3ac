import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { withoutKey } from '../demo/publisher.ts';

const killAfterMs = 500;

/** A small moving picture and a tone for some seconds, by ffmpeg. */
export class TrialPublisher {
  readonly #child: ChildProcess;
  #said = '';

  /** @param url with the stream key */
  constructor(program: string, url: string, seconds: number) {
    const argv = [
      ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=256x144:rate=15'],
      ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=330:sample_rate=48000', '-t', `${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-b:v', '150k', '-g', '15', '-threads', '1'],
      ...['-c:a', 'aac', '-b:a', '64k', '-f', 'flv', '-flvflags', 'no_duration_filesize', url],
    ];
    this.#child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.on('error', (error) => (this.#said = error.message));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-2000)));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** The last line that it said, without the key. */
  get said(): string {
    return withoutKey(this.#said.trim().split('\n').at(-1) ?? '');
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), killAfterMs);
    await gone;
    clearTimeout(timer);
  }
}
