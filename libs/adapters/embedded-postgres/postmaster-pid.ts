import { readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/** What `postmaster.pid` says (src/include/utils/pidfile.h: one fact per line). */
export interface PostmasterPid {
  readonly pid: number;
  readonly port: number;
  /** True once connections are taken: crash recovery, if any, is over. */
  readonly ready: boolean;
}

/** Reads the text of the file; undefined when it is empty, cut off or garbage. */
export function parsePostmasterPid(text: string): PostmasterPid | undefined {
  const lines = text.split('\n');
  // A negative number is a stand-alone backend's.
  const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10));
  if (!Number.isSafeInteger(pid) || pid < 2) return undefined;
  return { pid, port: Number.parseInt(lines[3] ?? '', 10) || 0, ready: lines[7]?.trim() === 'ready' };
}

export function pidFileOf(cluster: string): string {
  return join(cluster, 'postmaster.pid');
}

export async function readPostmasterPid(cluster: string): Promise<PostmasterPid | undefined> {
  return parsePostmasterPid(await readFile(pidFileOf(cluster), 'utf8').catch(() => ''));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Is this process a server on this very cluster, or a stranger that was given the number again? */
export async function servesCluster(pid: number, cluster: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (platform() === 'linux') {
    // A server works inside its data directory from its first moment on; nobody else does.
    const [cwd, command] = await Promise.all([readlink(`/proc/${pid}/cwd`).catch(() => ''), readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')]);
    if (cwd !== '') return cwd === (await realpath(cluster).catch(() => cluster)) && /postgres/.test(command);
  }
  const listed = await runCommand('ps', ['-o', 'command=', '-p', String(pid)]);
  return listed.code === 0 && listed.output.includes('postgres') && listed.output.includes(cluster);
}

/**
 * Lets the next server start although the file names a living process that is not a server of this cluster, or is
 * garbage. The file is not deleted: its shared memory line keeps a server from starting beside orphaned backends of the
 * last one. Instead it gets our number: a server never takes its own parent for a rival (miscinit.c, CreateLockFile).
 */
export async function disownPidFile(cluster: string): Promise<void> {
  const path = pidFileOf(cluster);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const lines = text.split('\n');
  lines[0] = String(process.pid);
  await writeFile(path, lines.join('\n'));
}
