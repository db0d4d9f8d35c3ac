import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ServerUser } from './server-user.ts';

export interface LogLine {
  readonly msg: string;
  readonly ready?: boolean;
  readonly url?: string;
  readonly pid?: number;
  readonly code?: string;
  readonly alive?: boolean;
}

/** The guard as the supervisor runs it, for tests. */
export class GuardProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<number | null>;
  readonly #wakers = new Set<() => void>();

  constructor(dataDir: string, options: { readonly user?: ServerUser; readonly environment?: Record<string, string> } = {}) {
    const main = fileURLToPath(new URL('./guard.main.js', import.meta.url));
    const env = { PATH: process.env['PATH'] ?? '', STREAMS_DATA_DIR: dataDir, STREAMS_SUPERVISED: '1', ...options.environment };
    this.child = spawn(process.execPath, [main], { env, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'], ...options.user });
    this.exited = new Promise((resolve) => this.child.once('exit', (code) => resolve(code)));
    void this.exited.then(() => this.#wake());
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const said = JSON.parse(line) as LogLine;
      if (said.alive === true) return;
      this.lines.push(said);
      this.#wake();
    });
  }

  /** The nth line (from 1) that says that the server serves. */
  async ready(nth = 1): Promise<Required<Pick<LogLine, 'url' | 'pid'>>> {
    for (;;) {
      const line = this.lines.filter(({ ready }) => ready)[nth - 1];
      if (line !== undefined) return { url: line.url ?? '', pid: line.pid ?? -1 };
      if (this.child.exitCode !== null) throw new Error(`the guard ended: ${JSON.stringify(this.lines)}`);
      await new Promise<void>((resolve) => this.#wakers.add(resolve));
    }
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.exited;
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
    this.#wakers.clear();
  }
}
