import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const readyWithinMs = 30_000;
const stopWithinMs = 5000;

export interface ServerProcessInit {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of 127.0.0.1; the server is ready once it takes a connection. */
  readonly port: number;
}

/** A server program on this machine, ended by its own pid. */
export class ServerProcess {
  readonly #init: ServerProcessInit;
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(init: ServerProcessInit) {
    this.#init = init;
    // Whatever ends the test ends the server, too.
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  /** Starts it; resolves once it takes connections. @throws with what it printed when it does not come up */
  static async start(init: ServerProcessInit): Promise<ServerProcess> {
    const server = new ServerProcess(init);
    await server.#launch();
    return server;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** What it printed, the newest 20 KB. */
  get log(): string {
    return this.#log;
  }

  async #launch(): Promise<void> {
    const { command, args, env, port } = this.#init;
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => void (this.#log = (this.#log + chunk.toString()).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => keep(Buffer.from(error.message)));
    this.#child = child;
    for (const end = Date.now() + readyWithinMs; !(await takesConnections(port)); await sleep(50)) {
      const gone = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
      if (!gone && Date.now() < end) continue;
      await this.stop();
      throw new Error(`${command} does not serve on port ${port}.\n${this.#log}`);
    }
  }

  /** Ends it: with SIGTERM, and where that does not help, with SIGKILL. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await ended;
    clearTimeout(force);
  }

  /** As a power cut, and after a while power again. */
  async restart(downMs = 0): Promise<void> {
    await this.stop('SIGKILL');
    await sleep(downMs);
    await this.#launch();
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
}
