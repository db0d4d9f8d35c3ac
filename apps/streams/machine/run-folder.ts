import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '#runtime';
import { makeFolder } from './data-folder.ts';
import { groupMembers, identify, isSameProcess, signalGroup, type ProcessIdentity } from './process-identity.ts';

/** In the environment of every process of one run: it tells ours from strangers that were given the same number. */
export const runVariable = 'STREAMS_RUN';

interface PidFile extends ProcessIdentity {
  readonly run: string;
}

/** Leftovers see that their supervisor is gone and drain by themselves; this is how long they may. */
const drainMs = 5000;
const pollMs = 50;

/** Who runs, written down so that the next supervisor finds what a killed one left behind. */
export class RunFolder {
  readonly #path: string;
  readonly #run: string;

  constructor(path: string, run: string) {
    this.#path = path;
    this.#run = run;
    makeFolder(path);
  }

  /** Complete or not there, also on a full disk. */
  enter(name: string, pid: number): void {
    const identity = identify(pid);
    if (identity === undefined) return;
    const file = this.#file(name);
    writeFileSync(`${file}.draft`, JSON.stringify({ ...identity, run: this.#run } satisfies PidFile));
    renameSync(`${file}.draft`, file);
  }

  leave(name: string): void {
    rmSync(this.#file(name), { force: true });
  }

  /** Ends what an earlier run left behind, with its descendants; answers their names. Strangers are never touched. */
  async sweep(): Promise<readonly string[]> {
    const names = readdirSync(this.#path)
      .filter((name) => name.endsWith('.pid.json'))
      .map((name) => name.slice(0, -'.pid.json'.length));
    const swept = await Promise.all(names.map(async (name) => ((await this.#sweepOne(name)) ? name : undefined)));
    return swept.filter((name) => name !== undefined);
  }

  async #sweepOne(name: string): Promise<boolean> {
    const known = parse(this.#file(name));
    const found = known !== undefined && (isSameProcess(known) || membersOf(known).length > 0);
    if (found) await endGroup(known);
    this.leave(name);
    return found;
  }

  #file(name: string): string {
    return join(this.#path, `${name}.pid.json`);
  }
}

function membersOf(known: PidFile): readonly number[] {
  return groupMembers(known.pid, `${runVariable}=${known.run}`);
}

async function endGroup(known: PidFile): Promise<void> {
  if (isSameProcess(known)) signal(known.pid, 'SIGTERM');
  for (let waited = 0; waited < drainMs && isSameProcess(known); waited += pollMs) await pause(pollMs);
  if (isSameProcess(known)) signalGroup(known.pid, 'SIGKILL');
  for (const pid of membersOf(known)) signal(pid, 'SIGKILL');
  for (let waited = 0; waited < drainMs && (isSameProcess(known) || membersOf(known).length > 0); waited += pollMs) await pause(pollMs);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}

/** Undefined for a file that is damaged: nothing is known, so nobody is signalled. */
function parse(file: string): PidFile | undefined {
  try {
    const { pid, started, boot, run } = JSON.parse(readFileSync(file, 'utf8')) as Partial<PidFile>;
    if (!Number.isInteger(pid) || (pid as number) < 2 || typeof started !== 'string' || typeof boot !== 'string' || typeof run !== 'string') return undefined;
    return { pid: pid as number, started, boot, run };
  } catch {
    return undefined;
  }
}
