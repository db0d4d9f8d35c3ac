import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOf } from './process-identity.ts';

/** A child that runs, as its file in the run folder tells it. */
interface ChildRecord {
  readonly pid: number;
  readonly start: string;
  readonly ownerPid: number;
  readonly ownerStart: string;
}

const fileName = /^child-(\d+)\.json$/;

/**
 * One file per running child, so that children of a process that was killed can be found again. A record is believed only
 * if the process with that pid started exactly when the record says.
 */
export class ChildRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async add(pid: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const [start, ownerStart] = await Promise.all([startOf(pid), startOf(process.pid)]);
    if (start === undefined || ownerStart === undefined) return;
    const record: ChildRecord = { pid, start, ownerPid: process.pid, ownerStart };
    const path = this.#path(pid);
    // Renamed into place: a reader sees a whole record or none.
    await writeFile(`${path}.new`, JSON.stringify(record));
    await rename(`${path}.new`, path);
  }

  async remove(pid: number): Promise<void> {
    await rm(this.#path(pid), { force: true });
  }

  /** Children whose owner is gone and that still run. Records of children that are gone are removed. */
  async orphans(): Promise<readonly number[]> {
    const orphans: number[] = [];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!fileName.test(name)) continue;
      const record = await this.#read(name);
      if (record !== undefined && (await isSame(record.ownerPid, record.ownerStart))) continue;
      if (record !== undefined && (await isSame(record.pid, record.start))) orphans.push(record.pid);
      else await rm(join(this.#folder, name), { force: true });
    }
    return orphans;
  }

  #path(pid: number): string {
    return join(this.#folder, `child-${pid}.json`);
  }

  async #read(name: string): Promise<ChildRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(join(this.#folder, name), 'utf8')) as Partial<ChildRecord>;
      const whole = isPid(record.pid) && isPid(record.ownerPid) && typeof record.start === 'string' && typeof record.ownerStart === 'string';
      return whole ? (record as ChildRecord) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** 0 and 1 and negative numbers mean groups and the system to `kill`. */
function isPid(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 1;
}

async function isSame(pid: number, start: string): Promise<boolean> {
  return (await startOf(pid)) === start;
}
