import { readdirSync, readFileSync } from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly commandLine: string;
}

function readProcess(pid: number): RunningProcess | undefined {
  try {
    // The name in parentheses may hold spaces and parentheses itself: the fields begin after the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(fields[1]), commandLine };
  } catch {
    // It ended while we looked.
    return undefined;
  }
}

/** Every process below `root` (not `root` itself), parents before their children. Linux only. */
export function descendantsOf(root: number): RunningProcess[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((process) => process !== undefined);
  const found: RunningProcess[] = [];
  let parents = new Set([root]);
  while (parents.size > 0) {
    const children = all.filter((process) => parents.has(process.parent));
    found.push(...children);
    parents = new Set(children.map((process) => process.pid));
  }
  return found;
}

export function isRunning(pid: number): boolean {
  return readProcess(pid) !== undefined;
}
