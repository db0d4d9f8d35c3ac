import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, readdir, readFile, readlink, realpath, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { OperatingError } from '#kernel';
import { readPostmasterPid, servesCluster } from './postmaster-pid.ts';
import { canEnter, reachableRoots } from './reachable-root.ts';
import type { ServerUser } from './server-user.ts';

/** The name that the cluster has in the data folder: itself a folder, or a link to where it had to go. */
export function clusterName(dataDir: string): string {
  return join(dataDir, 'postgres');
}

/** Where the cluster lies, its links followed; the name itself when there is none yet. */
export async function currentCluster(dataDir: string): Promise<string> {
  const name = clusterName(dataDir);
  const target = await readlink(name).catch(() => name);
  return realpath(target).catch(() => target);
}

/** Tells whose cluster lies here. */
const noteName = 'data-dir';

/**
 * Deletes clusters whose data folder was a temporary one that is gone: nobody can start them again. Any other folder may
 * come back with its disk.
 */
async function sweepForgotten(root: string): Promise<void> {
  for (const entry of await readdir(root)) {
    const home = join(root, entry);
    const dataDir = (await readFile(join(home, noteName), 'utf8').catch(() => '')).trim();
    if (!dataDir.startsWith(`${await realpath(tmpdir())}/`) || (await lstat(dataDir).catch(() => undefined)) !== undefined) continue;
    const server = await readPostmasterPid(join(home, 'postgres'));
    if (server === undefined || !(await servesCluster(server.pid, join(home, 'postgres')))) await rm(home, { recursive: true, force: true });
  }
}

async function elsewhere(dataDir: string, user: ServerUser): Promise<string> {
  const hash = createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex')
    .slice(0, 16);
  for await (const root of reachableRoots(user)) {
    await sweepForgotten(root);
    const home = join(root, hash);
    await mkdir(home, { recursive: true, mode: 0o755 });
    await writeFile(join(home, noteName), `${await realpath(dataDir)}\n`);
    return join(home, 'postgres');
  }
  throw new OperatingError(`The data folder ${dataDir} is closed to the user that PostgreSQL runs as. Choose another STREAMS_DATA_DIR, or set DATABASE_URL.`, {
    code: 'POSTGRES_DATA_UNREACHABLE',
    retryable: false,
  });
}

/** What lies there belonged to a data folder that was deleted, or was asked to begin anew: nothing leads to it any more. */
async function discardForgotten(cluster: string): Promise<void> {
  const server = await readPostmasterPid(cluster);
  if (server === undefined || !(await servesCluster(server.pid, cluster))) await rm(cluster, { recursive: true, force: true });
}

/**
 * Decides where the cluster lives and answers its real path, which may not exist yet. Normally `<dataDir>/postgres`;
 * where the server's user cannot get there, a folder of ours elsewhere, with a link to it in the data folder.
 * @throws OperatingError `POSTGRES_DATA_UNREACHABLE`
 */
export async function placeCluster(dataDir: string, user: ServerUser | undefined): Promise<string> {
  const name = clusterName(dataDir);
  const entry = await lstat(name).catch(() => undefined);
  const cluster = await currentCluster(dataDir);
  if (entry !== undefined) {
    const there = await lstat(cluster).catch(() => undefined);
    if (there === undefined || (await canEnter(cluster, user))) return cluster;
    throw new OperatingError(
      `The database in ${cluster} is closed to the user that runs it. Give back its ownership and open the folders above it, or set DATABASE_URL.`,
      {
        code: 'POSTGRES_DATA_UNREACHABLE',
        retryable: false,
      },
    );
  }
  if (user === undefined || (await canEnter(dataDir, user))) return join(await realpath(dataDir), 'postgres');
  const target = await elsewhere(dataDir, user);
  await discardForgotten(target);
  await symlink(target, name);
  return target;
}

/** Gives a path to the server's user; nothing to do when that is ourselves. */
export async function giveTo(path: string, user: ServerUser | undefined): Promise<void> {
  if (user !== undefined) await chown(path, user.uid, user.gid);
}

/** Deletes the cluster, wherever it lies. Its server must be stopped. */
export async function removeCluster(dataDir: string): Promise<void> {
  const name = clusterName(dataDir);
  const target = await readlink(name).catch(() => undefined);
  await rm(name, { recursive: true, force: true });
  if (target === undefined) return;
  await rm(target, { recursive: true, force: true });
  const note = join(dirname(target), noteName);
  if ((await readFile(note, 'utf8').catch(() => '')).trim() === (await realpath(dataDir).catch(() => dataDir))) await rm(note, { force: true });
  await rmdir(dirname(target)).catch(() => undefined); // ours alone when it is empty now
}
