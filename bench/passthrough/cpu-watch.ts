import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { cpuTime } from '../rtmp/process-usage.ts';

type Subject = number | undefined | readonly number[];

const msPerTick = 10;

/** All processors' idle time so far, ms (proc_stat(5)). */
async function idleMs(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n', 1);
  return Number(line.split(/\s+/)[4]) * msPerTick;
}

async function usedMs(subject: Subject): Promise<number> {
  const pids = subject === undefined ? [] : typeof subject === 'number' ? [subject] : subject;
  const times = await Promise.all(pids.map(cpuTime));
  return times.reduce((sum, { userMs, kernelMs }) => sum + userMs + kernelMs, 0);
}

/** How much processes use between two moments, and how much nobody does. */
export class CpuWatch {
  readonly #subjects: readonly Subject[];
  readonly #before: readonly number[];
  readonly #idleBefore: number;
  readonly #began = performance.now();

  private constructor(subjects: readonly Subject[], before: readonly number[], idleBefore: number) {
    this.#subjects = subjects;
    this.#before = before;
    this.#idleBefore = idleBefore;
  }

  static async start(subjects: readonly Subject[]): Promise<CpuWatch> {
    return new CpuWatch(subjects, await Promise.all(subjects.map(usedMs)), await idleMs());
  }

  /** Percent of one core of each subject, and of all cores that were idle. */
  async stop(): Promise<{ readonly percents: readonly number[]; readonly idlePercent: number }> {
    const after = await Promise.all(this.#subjects.map(usedMs));
    const idle = (await idleMs()) - this.#idleBefore;
    const elapsed = performance.now() - this.#began;
    return {
      percents: after.map((ms, i) => ((ms - (this.#before[i] as number)) / elapsed) * 100),
      idlePercent: ((idle / elapsed) * 100) / availableParallelism(),
    };
  }
}
