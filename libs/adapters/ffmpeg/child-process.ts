import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { assert } from '#kernel';
import { RunningProcess, type ProcessExit } from '#ports';
import type { LineRing } from './line-ring.ts';

export interface GroupProcessInit {
  readonly child: ChildProcess;
  readonly log: LineRing;
  /** Between SIGINT and SIGKILL, ms. */
  readonly graceMs: number;
  /** What must happen before `exited` resolves. */
  readonly onExit: () => Promise<void>;
}

const logEndMsMax = 500;

/** A child that leads its own process group. */
export class GroupProcess extends RunningProcess {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly #init: GroupProcessInit;
  readonly #input: Writable;
  #asked = false;
  #ended = false;

  constructor(init: GroupProcessInit) {
    super();
    const { child } = init;
    assert(child.pid !== undefined && child.stdin !== null, 'the child was started with pipes');
    this.#init = init;
    this.pid = child.pid;
    this.#input = child.stdin;
    // A child that ends early breaks the pipe; its exit tells why.
    this.#input.on('error', () => {});
    // Node throws away what a child that ends has written when nobody reads it yet; who listens for something to read, reads.
    for (const [fd, pipe] of child.stdio.entries()) if (fd !== 0 && fd !== 2) pipe?.on('readable', () => undefined);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => init.log.push(text));
    this.exited = this.#watch();
  }

  get queuedBytes(): number {
    return this.#input.writableLength;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#ended || !this.#input.writable) return Promise.resolve();
    if (this.#input.write(bytes)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#input.off('drain', done);
        this.#input.off('close', done);
        resolve();
      };
      this.#input.on('drain', done);
      this.#input.on('close', done);
    });
  }

  endInput(): void {
    if (!this.#ended) this.#input.end();
  }

  async *output(fd: number): AsyncIterable<Uint8Array> {
    const pipe = this.#init.child.stdio[fd] as Readable | null | undefined;
    assert(pipe !== null && pipe !== undefined && fd !== 0 && fd !== 2, `descriptor ${fd} is an output`);
    try {
      for await (const chunk of pipe) yield chunk as Uint8Array;
    } catch {
      // The pipe broke because the child ended; `exited` tells how.
    }
  }

  async stop(): Promise<ProcessExit> {
    this.#asked = true;
    this.#signal('SIGINT');
    const timer = setTimeout(() => this.#signal('SIGKILL'), this.#init.graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  kill(): Promise<ProcessExit> {
    this.#asked = true;
    this.#signal('SIGKILL');
    return this.exited;
  }

  /** To the whole group, so that nothing that the child started is left. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#ended) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // It ended a moment ago.
    }
  }

  /** The last words may arrive after the exit; a pipe that somebody else holds open must not keep us. */
  async #logEnd(): Promise<void> {
    const { stderr } = this.#init.child;
    if (stderr === null || stderr.readableEnded) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, logEndMsMax);
      stderr.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #watch(): Promise<ProcessExit> {
    const { child, log, onExit } = this.#init;
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('exit', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
    });
    this.#signal('SIGKILL');
    this.#ended = true;
    this.#input.destroy();
    await this.#logEnd();
    await onExit();
    return { code, signal, asked: this.#asked, lastLines: log.lines() };
  }
}
