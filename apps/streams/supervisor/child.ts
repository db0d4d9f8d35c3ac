import { spawn, type ChildProcess } from 'node:child_process';
import { signalGroup } from '../machine/process-identity.ts';
import { LineSplitter } from './line-splitter.ts';
import { parseLogLine, type LogLine } from './log-line.ts';

/** What to run. */
export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface ChildInit extends Program {
  readonly onLine: (line: LogLine) => void;
  /** Called with every line, before {@link onLine}; beats are lines that nobody else hears of. `moved`: its start has moved on. */
  readonly onHeard: (isBeat: boolean, moved: boolean) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line of level fatal, else of error: why it ended, in its own words. */
  readonly reason: string;
}

/**
 * One run of a program. It leads a process group of its own, so that Ctrl-C in the terminal reaches the supervisor alone
 * and its descendants can be ended with it; its standard input is a pipe that nobody writes to, whose end tells it that
 * the supervisor is gone.
 */
export class Child {
  readonly pid: number | undefined;
  /** The line with `"ready": true`; never settles when the program ends before it. */
  readonly ready: Promise<LogLine>;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  #reason = '';
  #isFatal = false;

  constructor(init: ChildInit) {
    this.#process = spawn(init.command, init.args, { cwd: init.cwd, env: { ...init.env }, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.pid = this.#process.pid;
    this.#process.stdin?.on('error', () => undefined);
    const ready = Promise.withResolvers<LogLine>();
    this.ready = ready.promise;
    const hear = (line: LogLine): void => {
      const isBeat = line.fields['alive'] === true;
      init.onHeard(isBeat, isBeat && typeof line.fields['moved'] === 'number');
      if (isBeat) return;
      this.#remember(line);
      if (line.fields['ready'] === true) ready.resolve(line);
      init.onLine(line);
    };
    this.#listen(this.#process.stdout, (text) => hear(parseLogLine(init.name, text, 'info', Date.now())));
    this.#listen(this.#process.stderr, (text) => hear(parseLogLine(init.name, text, 'warn', Date.now())));
    this.exited = this.#untilExit(init.command);
  }

  #listen(stream: NodeJS.ReadableStream | null, onLine: (text: string) => void): void {
    const splitter = new LineSplitter(onLine);
    stream?.on('data', (bytes: Buffer) => splitter.push(bytes));
    stream?.on('end', () => splitter.end());
    stream?.on('error', () => undefined);
  }

  /** What a runtime says of an error that nobody caught counts, too. */
  #remember(line: LogLine): void {
    if (this.#reason === '' && /^(\w*Error|error): /.test(line.msg)) this.#reason = line.msg;
    if (line.level === 'fatal' || (line.level === 'error' && !this.#isFatal)) this.#reason = line.msg;
    this.#isFatal ||= line.level === 'fatal';
  }

  #untilExit(command: string): Promise<Exit> {
    return new Promise((resolve) => {
      this.#process.on('error', (error) => resolve({ code: null, signal: null, reason: `${command} cannot be started: ${error.message}` }));
      // A grandchild may hold the pipes open, so "exit" counts; what was written before it still arrives in the same turn.
      this.#process.on('exit', (code, signal) => setImmediate(() => resolve({ code, signal, reason: this.#reason })));
    });
  }

  /** Asks the program to end, and ends its whole group when it has not after `graceMs`. */
  async stop(graceMs: number): Promise<Exit> {
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.kill(), graceMs);
    const exit = await this.exited;
    clearTimeout(force);
    this.killGroup();
    return exit;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
    this.killGroup();
  }

  /** Ends what the program left behind. */
  killGroup(): void {
    if (this.pid !== undefined) signalGroup(this.pid, 'SIGKILL');
  }
}
