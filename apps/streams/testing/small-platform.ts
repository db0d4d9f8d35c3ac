import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from '../machine/process-identity.ts';

const patienceMs = 30_000;

/** Asks until the answer is truthy. @throws when it never is. */
export async function until<T>(ask: () => T, what: string): Promise<NonNullable<T>> {
  for (const end = Date.now() + patienceMs; Date.now() < end;) {
    const answer = ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Waited in vain: ${what}`);
}

export interface DiaryEntry {
  readonly what: string;
  readonly name: string;
  readonly pid: number;
}

/** A supervisor process over small programs, in a folder of its own. */
export class SmallPlatform {
  readonly folder: string;
  readonly #diary: string;
  readonly #processes: ChildProcess[] = [];
  #log = '';

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'streams-supervisor-'));
    this.#diary = join(this.folder, 'diary');
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  /** Starts a supervisor; more than one, to let them meet. */
  spawn(modes: readonly string[] = [], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const main = join(import.meta.dirname, 'small-platform.main.js');
    const ports = Object.fromEntries(['GATEWAY_PORT', 'GRPC_PORT', 'EDGE_PORT', 'RTMP_PORT', 'RTMP_BACKUP_PORT', 'RELAY_PORT'].map((name) => [name, '0']));
    const child = spawn(process.execPath, ['--no-warnings', main, this.#diary, ...modes], {
      env: { ...process.env, ...ports, STREAMS_DATA_DIR: this.dataDir, DATABASE_URL: '', LOG_FORMAT: 'json', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-1_000_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.#processes.push(child);
    return child;
  }

  get log(): string {
    return this.#log;
  }

  diary(): readonly DiaryEntry[] {
    if (!existsSync(this.#diary)) return [];
    const lines = readFileSync(this.#diary, 'utf8').trim().split('\n');
    return lines.map((line) => line.split(' ')).map(([what = '', name = '', pid = '0']) => ({ what, name, pid: Number(pid) }));
  }

  /** The processes that began and still run. */
  alive(): readonly DiaryEntry[] {
    return this.diary().filter((entry) => entry.what === 'began' && identify(entry.pid) !== undefined);
  }

  async ready(): Promise<void> {
    await until(() => this.#log.includes('everything is ready'), `the platform to be ready\n${this.#log}`);
  }

  async ended(child: ChildProcess): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  /** Leaves nothing behind, whatever the test did. */
  async close(): Promise<void> {
    for (const child of this.#processes) child.kill('SIGKILL');
    await Promise.all(this.#processes.map((child) => this.ended(child)));
    for (const entry of this.alive()) process.kill(entry.pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
