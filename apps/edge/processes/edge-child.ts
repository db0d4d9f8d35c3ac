import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ProcessorWait, SilenceWatch, type Environment } from '#runtime';
import { leaveSignal } from './leaving.ts';

export interface Ready {
  readonly port: number;
  readonly tlsPort: number | undefined;
}

/** A process says that it lives at every turn of the watch over it; one that was silent for so many is ended. */
export const silentTurnsMax = 10;

/** One run of the edge as a process. Its pipe tells it when we are gone; its lines are ours, but for what is between us. */
export class EdgeChild {
  readonly startedMs: number;
  readonly ended: Promise<number>;
  /** Undefined when it ended before it served. */
  readonly ready: Promise<Ready | undefined>;
  serving = false;
  stopping = false;
  readonly #silence = new SilenceWatch(silentTurnsMax);
  readonly #wait: ProcessorWait;
  readonly #process: ChildProcess;

  constructor(program: string, args: readonly string[], env: Environment, now: () => number) {
    this.startedMs = now();
    this.#process = spawn(program, [...args], { env: { ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#wait = new ProcessorWait(this.pid);
    this.#silence.heard(true);
    this.#process.stdin?.on('error', () => undefined);
    const ready = Promise.withResolvers<Ready | undefined>();
    this.ready = ready.promise;
    this.ended = new Promise((resolve) => {
      this.#process.once('error', () => resolve(1));
      this.#process.once('exit', (code) => resolve(code ?? 1));
    });
    void this.ended.then(() => {
      this.serving = false;
      ready.resolve(undefined);
    });
    if (this.#process.stdout === null) return;
    createInterface({ input: this.#process.stdout }).on('line', (text) => {
      this.#silence.heard(true);
      const line = this.#forOthers(text, ready.resolve);
      if (line !== undefined) process.stdout.write(`${line}\n`);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** To be asked once a turn: true when it has been silent for `silentTurnsMax` of them in which it found a processor. */
  async isFrozen(): Promise<boolean> {
    return this.#silence.turn(await this.#wait.share());
  }

  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    this.serving = false;
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.kill(), graceMs);
    await this.ended;
    clearTimeout(force);
  }

  /** It serves until its clients have gone to others, and ends. */
  async leave(graceMs: number): Promise<void> {
    this.stopping = true;
    this.#process.kill(leaveSignal);
    const force = setTimeout(() => this.kill(), graceMs);
    await this.ended;
    clearTimeout(force);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** That it lives is between us; that it serves is not yet that the edge does. */
  #forOthers(text: string, serves: (ready: Ready) => void): string | undefined {
    if (text === '{"alive":true}') return undefined;
    if (!text.includes('"ready":true')) return text;
    const { port, tlsPort } = JSON.parse(text) as Ready;
    this.serving = true;
    serves({ port, tlsPort });
    return text.replace('"ready":true', '"serving":true');
  }
}
