import { readFile } from 'node:fs/promises';

/** Linux counts process times in ticks of 10 ms (USER_HZ is 100 on every platform that Node runs on). */
const msPerTick = 10;

/** User and kernel time of a process so far, ms (proc_pid_stat(5), fields 14 and 15). */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}

/** Resident memory of a process, MB. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (match === null) throw new Error(`process ${pid} has no memory: it ended`);
  return Number(match[1]) / 1024;
}
