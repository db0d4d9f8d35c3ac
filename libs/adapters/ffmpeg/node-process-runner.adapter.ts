import { spawn, type ChildProcess, type StdioPipe, type StdioNull } from 'node:child_process';
import { setPriority } from 'node:os';
import { OperatingError } from '#kernel';
import { ProcessRunner, type ProcessCommand, type RunningProcess } from '#ports';
import { ChildRecords } from './child-records.ts';
import { GroupProcess } from './child-process.ts';
import { LineRing } from './line-ring.ts';

export interface NodeProcessRunnerInit {
  /** Folder for the records of running children; made when it is not there. */
  readonly runPath: string;
  /** Between SIGINT and SIGKILL, ms; 5,000 by default. */
  readonly graceMs?: number;
  /** Log lines that mean nothing. */
  readonly ignoredLines?: RegExp;
}

/** Runs children by `node:child_process`. */
export class NodeProcessRunner extends ProcessRunner {
  readonly #init: NodeProcessRunnerInit;
  readonly #records: ChildRecords;

  constructor(init: NodeProcessRunnerInit) {
    super();
    this.#init = init;
    this.#records = new ChildRecords(init.runPath);
  }

  async start(command: ProcessCommand): Promise<RunningProcess> {
    const child = await spawned(command);
    const pid = child.pid as number;
    if (command.niceness !== undefined) giveWay(pid, command.niceness);
    const recorded = this.#records.add(pid);
    const running = new GroupProcess({
      child,
      log: new LineRing(this.#init.ignoredLines),
      graceMs: this.#init.graceMs ?? 5000,
      onExit: () => recorded.then(() => this.#records.remove(pid)).catch(() => {}),
    });
    try {
      await recorded;
    } catch (cause) {
      // Without a record it could outlive us unseen.
      await running.kill();
      throw new OperatingError(`${command.program} was not started, because ${this.#init.runPath} cannot be written.`, {
        code: 'PROGRAM_NOT_STARTED',
        retryable: true,
        cause,
      });
    }
    return running;
  }

  async sweep(): Promise<number> {
    const orphans = await this.#records.orphans();
    for (const pid of orphans) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
      await this.#records.remove(pid);
    }
    return orphans.length;
  }
}

function giveWay(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended by itself.
  }
}

/** Resolves when the program runs. `detached` makes it the leader of its own group. */
function spawned({ program, argv, outputs }: ProcessCommand): Promise<ChildProcess> {
  const stdio = Array.from({ length: Math.max(2, ...outputs) + 1 }, (_, fd): StdioPipe | StdioNull =>
    fd === 0 || fd === 2 || outputs.includes(fd) ? 'pipe' : 'ignore',
  );
  const child = spawn(program, argv, { stdio, env: {}, detached: true, windowsHide: true });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT';
      const message = missing ? `${program} is not there.` : `${program} cannot be started: ${cause.message}`;
      reject(new OperatingError(message, { code: missing ? 'PROGRAM_NOT_FOUND' : 'PROGRAM_NOT_STARTED', retryable: !missing, cause }));
    });
  });
}
