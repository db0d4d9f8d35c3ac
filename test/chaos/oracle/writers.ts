import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Acknowledged } from './verdict.ts';

/** One life of a writer: a process under one epoch. */
interface Life {
  readonly epoch: number;
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
}

/** A writer that is killed, put to sleep, and replaced by another life under the next epoch. */
export class OracleWriter {
  readonly name: string;
  readonly acknowledged: Acknowledged[] = [];
  /** Lives that woke up to find themselves replaced. */
  fenced = 0;
  /** What went wrong on the way, for the eye. */
  readonly troubles: string[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #sleeping = new Set<Life>();
  #epoch = 0;
  #life: Life | undefined;

  constructor(name: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#env = env;
    this.#start();
  }

  /** Ends the life in the middle of whatever it does, and begins the next. */
  async kill(): Promise<void> {
    await this.#end(this.#life);
    this.#start();
  }

  /** Puts the life to sleep and begins the next; the answer wakes the sleeper up again. */
  replace(): () => void {
    const sleeper = this.#life as Life;
    sleeper.child.kill('SIGSTOP');
    this.#sleeping.add(sleeper);
    this.#start();
    return () => void sleeper.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#sleeping, this.#life].map((life) => this.#end(life)));
  }

  async #end(life: Life | undefined): Promise<void> {
    life?.child.kill('SIGKILL');
    await life?.exited;
  }

  #start(): void {
    const epoch = ++this.#epoch;
    const main = join(import.meta.dirname, 'writer.main.js');
    const child = spawn(process.execPath, ['--no-warnings', main, this.name, String(epoch)], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.on('data', (chunk: Buffer) => this.troubles.push(chunk.toString()));
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(epoch, line));
    this.#life = { epoch, child, exited: once(child, 'close') };
  }

  #hear(epoch: number, line: string): void {
    const [word, first, count] = line.split(' ');
    if (word === 'fact' || word === 'plain') this.acknowledged.push({ writer: this.name, epoch, kind: word, first: Number(first), count: Number(count) });
    else if (word === 'fenced') this.fenced++;
    else if (word !== 'ready') this.troubles.push(line);
  }
}
