import { readFile } from 'node:fs/promises';

/** Linux counts process times in ticks of 10 ms (USER_HZ is 100 on every platform that Node runs on). */
const msPerTick = 10;

/** Time of a process so far, ms: its own, and the kernel's for it. */
export interface CpuTime {
  readonly userMs: number;
  readonly kernelMs: number;
}

/** proc_pid_stat(5), fields 14 and 15. */
export async function cpuTime(pid: number): Promise<CpuTime> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { userMs: Number(fields[11]) * msPerTick, kernelMs: Number(fields[12]) * msPerTick };
}

/** Resident memory of a process, MB. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (match === null) throw new Error(`process ${pid} has no memory: it ended`);
  return Number(match[1]) / 1024;
}
