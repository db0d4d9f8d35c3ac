import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/**
 * When a process started, as text that differs for every process that ever had this pid; undefined when there is none.
 * A pid alone does not identify anybody: it is used again.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? linuxStart(pid) : psStart(pid);
}

/** Field 22 of /proc/<pid>/stat (proc(5)), clock ticks since boot; a zombie counts as gone. */
async function linuxStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function psStart(pid: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('/bin/ps', ['-o', 'lstart=', '-p', `${pid}`], { timeout: 2000 }, (error, stdout) =>
      resolve(error === null ? stdout.trim() || undefined : undefined),
    );
  });
}
