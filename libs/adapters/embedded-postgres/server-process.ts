import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '#kernel';
import type { ServerBinaries } from './binaries.ts';
import { isAlive, readPostmasterPid } from './postmaster-pid.ts';
import { serverEnvironment } from './run-command.ts';
import { explainFailure } from './server-failure.ts';
import { logSince } from './server-log.ts';
import { serverSettings } from './server-settings.ts';
import type { ServerUser } from './server-user.ts';

export interface LaunchInit {
  readonly binaries: ServerBinaries;
  readonly cluster: string;
  readonly user: ServerUser | undefined;
  readonly port: number;
  /** How long crash recovery may take. */
  readonly readyWithinMs: number;
  readonly signal?: AbortSignal | undefined;
}

const pollMs = 20;
const adoptedPollMs = 200;

/** How long each way of stopping gets before the next, harder one (PostgreSQL manual, section 18.5). */
const stopSteps: ReadonlyArray<readonly [NodeJS.Signals, number]> = [
  ['SIGINT', 5000], // fast: roll back, checkpoint, end
  ['SIGQUIT', 2000], // immediate: the next start recovers
  ['SIGKILL', 2000],
];

/** A running server: our child, or an orphan of a killed owner. */
export class ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the server is gone, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #abandon: () => void;

  private constructor(pid: number, port: number, ended: Promise<void>) {
    this.pid = pid;
    this.port = port;
    this.ended = ended;
    // Whatever ends this process in an orderly way ends the server, too.
    this.#abandon = () => signalTo(pid, 'SIGINT');
    process.once('exit', this.#abandon);
    void ended.then(() => process.off('exit', this.#abandon));
  }

  /**
   * Starts the server and waits until it takes connections.
   * @throws OperatingError as {@link explainFailure} tells, `POSTGRES_START_ABORTED`, `POSTGRES_START_TIMEOUT`
   */
  static async launch(init: LaunchInit): Promise<ServerProcess> {
    const startedAt = Date.now();
    const child = spawnServer(init);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-16_384)));
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        said += error.message;
        resolve();
      });
    });
    let gone = false;
    void ended.then(() => (gone = true));
    const server = new ServerProcess(child.pid ?? -1, init.port, ended);
    while (!gone) {
      const file = await readPostmasterPid(init.cluster);
      if (file?.ready === true && file.pid === child.pid) return server;
      await server.#refuseDelay(init, Date.now() - startedAt);
      await Promise.race([sleep(pollMs), ended]);
    }
    throw explainFailure(`${said}\n${await logSince(init.cluster, startedAt)}`, init.cluster);
  }

  /** Takes over a server that lost its owner. */
  static adopt(pid: number, port: number): ServerProcess {
    const watch = async () => {
      while (isAlive(pid)) await sleep(adoptedPollMs);
    };
    return new ServerProcess(pid, port, watch());
  }

  async #refuseDelay(init: LaunchInit, waitedMs: number): Promise<void> {
    const aborted = init.signal?.aborted === true;
    if (!aborted && waitedMs < init.readyWithinMs) return;
    await this.stop();
    if (aborted) throw new OperatingError('The start of the embedded PostgreSQL was called off.', { code: 'POSTGRES_START_ABORTED', retryable: true });
    throw new OperatingError(
      `The embedded PostgreSQL did not become ready within ${Math.round(init.readyWithinMs / 1000)} s; see the log in ${init.cluster}/log.`,
      {
        code: 'POSTGRES_START_TIMEOUT',
        retryable: true,
      },
    );
  }

  kill(): void {
    signalTo(this.pid, 'SIGKILL');
  }

  /** Ends the server, the gentle way first. Returns when it is gone. */
  async stop(): Promise<void> {
    for (const [signal, patienceMs] of stopSteps) {
      signalTo(this.pid, signal);
      const calm = new AbortController();
      const outcome = await Promise.race([this.ended.then(() => 'gone'), sleep(patienceMs, 'late', { signal: calm.signal, ref: true }).catch(() => 'gone')]);
      calm.abort();
      if (outcome === 'gone') return;
    }
  }
}

function spawnServer(init: LaunchInit): ChildProcess {
  const settings = Object.entries(serverSettings(init.port)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return spawn(init.binaries.postgres, ['-D', init.cluster, ...settings], {
    cwd: '/',
    env: { ...serverEnvironment },
    ...init.user,
    // A session of its own: Ctrl-C on the terminal asks us, and we ask the server last.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 1) process.kill(pid, signal);
  } catch {
    // gone already, which is what we want
  }
}
