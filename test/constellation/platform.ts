import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { descendantsOf, isRunning, type RunningProcess } from './process-tree.ts';

const startDeadlineMs = 90_000;
const stopDeadlineMs = 20_000;

export type Part = 'gateway' | 'ingest' | 'media' | 'ffmpeg' | 'projector' | 'edge' | 'postgres' | 'guard';

/** How a process of each part is told apart by its command line. */
const marks: Readonly<Record<Part, RegExp>> = {
  gateway: /apps\/gateway\/main\.js/,
  ingest: /apps\/ingest\/main\.js/,
  media: /apps\/media\/main\.js/,
  ffmpeg: /^\S*ffmpeg .*pipe:0/,
  projector: /apps\/projector\/main\.js/,
  edge: /apps\/edge\/main\.js/,
  postgres: /\/bin\/postgres\s+-D|bin\/postgres .*-D/,
  guard: /guard\.main\.js/,
};

export interface PlatformInit {
  /** Kept after `stop` when given; otherwise a new folder that is removed. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly arguments?: readonly string[];
}

/** The whole one-machine platform as a user starts it: the real supervisor with all its processes, on free ports. */
export class Platform {
  readonly dataDir: string;
  readonly ports: {
    readonly gateway: number;
    readonly edge: number;
    readonly rtmp: number;
    readonly rtmpBackup: number;
    readonly relay: number;
    readonly grpc: number;
  };
  readonly #ownsData: boolean;
  readonly #givenDatabase: string | undefined;
  readonly #child: ChildProcess;
  #log = '';
  #key = '';

  private constructor(init: PlatformInit, ports: readonly number[]) {
    const [gateway, edge, rtmp, rtmpBackup, relay, grpc] = ports as [number, number, number, number, number, number];
    this.ports = { gateway, edge, rtmp, rtmpBackup, relay, grpc };
    this.#ownsData = init.dataDir === undefined;
    this.#givenDatabase = init.env?.['DATABASE_URL'] || undefined;
    this.dataDir = init.dataDir ?? mkdtempSync(join(tmpdir(), 'streams-platform-'));
    const main = join(import.meta.dirname, '../../apps/streams/main.js');
    this.#child = spawn(process.execPath, [main, 'up', ...(init.arguments ?? [])], {
      env: {
        ...process.env,
        STREAMS_DATA_DIR: this.dataDir,
        STREAMS_PUBLIC_HOST: '127.0.0.1',
        GATEWAY_PORT: String(gateway),
        EDGE_PORT: String(edge),
        RTMP_PORT: String(rtmp),
        RTMP_BACKUP_PORT: String(rtmpBackup),
        RELAY_PORT: String(relay),
        GRPC_PORT: String(grpc),
        ...init.env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-2_000_000);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  /** Starts it and resolves once every part serves. @throws with the log's end when it does not come up. */
  static async start(init: PlatformInit = {}): Promise<Platform> {
    const platform = new Platform(init, await freePorts(6));
    try {
      await platform.#ready();
    } catch (error) {
      await platform.stop();
      throw error;
    }
    return platform;
  }

  async #ready(): Promise<void> {
    await until(
      () => {
        if (!isRunning(this.pid)) throw new Error(`The supervisor ended with code ${this.#child.exitCode}.\n${this.#log.slice(-4000)}`);
        return this.#log.includes('sign-in') || this.#log.includes('signIn') || this.#log.includes('#key=');
      },
      startDeadlineMs,
      () => `The platform did not come up.\n${this.#log.slice(-4000)}`,
    );
    this.#key = readFileSync(join(this.dataDir, 'admin-key'), 'utf8').trim();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** What it printed, the newest 2 MB. */
  get log(): string {
    return this.#log;
  }

  get key(): string {
    return this.#key;
  }

  /** Of the server that was named, or of the embedded one. */
  get databaseUrl(): string {
    return this.#givenDatabase ?? (JSON.parse(readFileSync(join(this.dataDir, 'run/postgres.json'), 'utf8')) as { url: string }).url;
  }

  get edgeUrl(): string {
    return `http://127.0.0.1:${this.ports.edge}`;
  }

  get gatewayUrl(): string {
    return `http://127.0.0.1:${this.ports.gateway}`;
  }

  get signInUrl(): string {
    return `${this.edgeUrl}/#key=${this.#key}`;
  }

  rtmpUrl(streamKey: string): string {
    return `rtmp://127.0.0.1:${this.ports.rtmp}/live/${streamKey}`;
  }

  /** Calls the REST API with the admin key. */
  async api<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.gatewayUrl + path, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** The processes of a part: parents first. */
  processes(part: Part): RunningProcess[] {
    return descendantsOf(this.pid).filter((process) => marks[part].test(process.commandLine));
  }

  /** Ends the first process of a part as a crash would; the pid, or undefined when there was none. */
  kill(part: Part): number | undefined {
    const victim = this.processes(part)[0];
    if (victim === undefined) return undefined;
    process.kill(victim.pid, 'SIGKILL');
    return victim.pid;
  }

  /** Ends everything as Ctrl-C does; the supervisor's exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGINT');
      const force = setTimeout(() => this.#child.kill('SIGKILL'), stopDeadlineMs);
      await once(this.#child, 'exit');
      clearTimeout(force);
    }
    if (this.#ownsData) rmSync(this.dataDir, { recursive: true, force: true });
    return this.#child.exitCode;
  }
}

/** Asks until the answer is truthy. @throws what `complaint` says once the deadline has passed. */
export async function until<T>(ask: () => T | Promise<T>, deadlineMs: number, complaint: () => string, periodMs = 100): Promise<NonNullable<T>> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(complaint());
    await new Promise((resolve) => setTimeout(resolve, periodMs));
  }
}
