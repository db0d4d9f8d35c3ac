import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface KeyFrames {
  /** Since the Unix epoch. */
  readonly sentMs: readonly number[];
  readonly lateMs: readonly number[];
}

/** The publishers of one server, in a process of their own. */
export class LoadProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all are publishing. */
  static async start(file: string, port: number, names: readonly string[]): Promise<LoadProcess> {
    const main = new URL('load.js', import.meta.url).pathname;
    const child = spawn(process.execPath, [main, file, String(port), ...names], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    const ended = once(child, 'exit').then(() => {
      throw new Error('the load generator ended early');
    });
    await Promise.race([once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data'), ended]);
    ended.catch(() => undefined);
    return new LoadProcess(child);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Of each publisher's key frames so far: when they were sent, and how much later than they should have been, ms. */
  async keyFrames(): Promise<Readonly<Record<string, KeyFrames>>> {
    const said = once(this.#child, 'message') as Promise<[Record<string, KeyFrames>]>;
    this.#child.send('key frames');
    return (await said)[0];
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
