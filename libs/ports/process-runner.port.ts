/** What to run. The child gets no environment, its own process group, and pipes: standard input, output, error and more. */
export interface ProcessCommand {
  /** Absolute path. */
  readonly program: string;
  readonly argv: readonly string[];
  /** File descriptors, from 1, that the caller will read with `output`; 2 is the log and not among them. */
  readonly outputs: readonly number[];
  /** For work that has time: how much others go before it, 1 to 19 (nice(2)); 0 when left out. */
  readonly niceness?: number;
}

export interface ProcessExit {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** True when somebody called `stop` or `kill` before it ended. */
  readonly asked: boolean;
  /** The last lines of its log, newest last: at most 50 of at most 500 characters. */
  readonly lastLines: readonly string[];
}

/** A child process. However it ends, its pipes end, `exited` resolves, and no process of its group is left. */
export abstract class RunningProcess {
  abstract readonly pid: number;
  /** Resolves once, never rejects. */
  abstract readonly exited: Promise<ProcessExit>;
  /** Bytes given to `write` that the child has not taken yet. */
  abstract readonly queuedBytes: number;
  /** Resolves when the child has room for more: awaiting each call bounds what is queued. After the end it does nothing. */
  abstract write(bytes: Uint8Array): Promise<void>;
  /** Ends standard input: a well-behaved child finishes its output and exits. */
  abstract endInput(): void;
  /** The chunks of an output, once. Not reading holds the child up. */
  abstract output(fd: number): AsyncIterable<Uint8Array>;
  /** SIGINT, and SIGKILL when it is not gone after the grace time. */
  abstract stop(): Promise<ProcessExit>;
  /** SIGKILL. */
  abstract kill(): Promise<ProcessExit>;
}

/**
 * Runs external programs as children that do not outlive this process: their standard input ends with it, and what ignores
 * that is swept when the next process starts.
 * Errors: `PROGRAM_NOT_FOUND`, `PROGRAM_NOT_STARTED`.
 */
export abstract class ProcessRunner {
  abstract start(command: ProcessCommand): Promise<RunningProcess>;
  /** Kills children that processes now gone have left behind; answers how many. Never touches a stranger. */
  abstract sweep(): Promise<number>;
}
