import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process id is given again to strangers; with the moment of its start it names one process for good. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: ticks since boot. Elsewhere what `ps` says. */
  readonly started: string;
  /** Of the running system; empty where it has none. */
  readonly boot: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** proc(5): the fields behind the name, which stands in parentheses and may hold any character. */
function statFields(pid: number): readonly string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || fields[0] === 'Z' ? undefined : fields;
}

function startedAt(pid: number): string | undefined {
  if (process.platform === 'linux') return statFields(pid)?.[19];
  const listed = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return listed.status === 0 && listed.stdout.trim() !== '' ? listed.stdout.trim() : undefined;
}

/** Undefined when there is no such process, or only its exit status is left. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startedAt(pid);
  return started === undefined ? undefined : { pid, started, boot: read('/proc/sys/kernel/random/boot_id').trim() };
}

export function isSameProcess(known: ProcessIdentity): boolean {
  const now = identify(known.pid);
  return now !== undefined && now.started === known.started && now.boot === known.boot;
}

/** Members of a process group whose environment holds `mark`. Linux only; elsewhere a group is reached by its leader alone. */
export function groupMembers(group: number, mark: string): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statFields(Number(name))?.[2] === String(group))
    .filter((name) => read(`/proc/${name}/environ`).split('\0').includes(mark))
    .map(Number);
}

/** What runs under a process id, for people. */
export function commandNameOf(pid: number): string {
  return read(`/proc/${pid}/comm`).trim() || 'unknown';
}

/** Signals a process group; false when nobody of it is left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
