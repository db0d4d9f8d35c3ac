import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { OperatingError } from '#kernel';
import { majorVersion, type ServerBinaries } from './binaries.ts';
import { giveTo } from './cluster-place.ts';
import { runCommand } from './run-command.ts';
import { explainFailure } from './server-failure.ts';
import { hostAccess } from './server-settings.ts';
import type { ServerUser } from './server-user.ts';

/** The one role and the one database. */
export const roleName = 'streams';
export const databaseName = 'streams';

export interface ClusterInit {
  readonly cluster: string;
  /** Where the password is kept, readable by ourselves only. */
  readonly passwordFile: string;
  readonly binaries: ServerBinaries;
  readonly user: ServerUser | undefined;
}

/** True when there is a cluster; false when there is room for a new one. @throws OperatingError when there is something else. */
export async function hasCluster(cluster: string): Promise<boolean> {
  const version = (await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (version === majorVersion) return true;
  if (version !== '') throw explainFailure(`initialized by PostgreSQL version ${version}`, cluster);
  const entries = await readdir(cluster).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw explainFailure(error.code === 'EACCES' ? 'Permission denied' : `is not a valid data directory: ${error.message}`, cluster);
  });
  if (entries.length > 0) throw explainFailure('is not a valid data directory', cluster);
  return false;
}

/** Makes a cluster; complete or not there. */
export async function createCluster(init: ClusterInit): Promise<void> {
  const home = dirname(init.cluster);
  const draftPrefix = `${basename(init.cluster)}.draft-`;
  // Left behind by a start that was killed; one that is still being written goes next time.
  for (const name of await readdir(home)) if (name.startsWith(draftPrefix)) await rm(join(home, name), { recursive: true, force: true }).catch(() => undefined);
  const draft = join(home, `${draftPrefix}${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(draft, { mode: 0o700 });
    await giveTo(draft, init.user);
    // The built-in locale gives the same order on every machine, whatever locales it has.
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
    const made = await runCommand(init.binaries.initdb, ['-D', draft, `--username=${roleName}`, '--auth=trust', '--no-instructions', ...locale], {
      user: init.user,
    });
    if (made.code !== 0) throw explainFailure(made.output, init.cluster);
    await runStandalone(init, draft, [`CREATE DATABASE ${databaseName}`]);
    await setPassword(init, draft);
    await rename(draft, init.cluster);
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** Writes the access rules, with the owner and mode that the server wants. */
export async function writeHostAccess(cluster: string, user: ServerUser | undefined): Promise<void> {
  const path = join(cluster, 'pg_hba.conf');
  if ((await readFile(path, 'utf8').catch(() => '')) === hostAccess) return;
  await writeFile(path, hostAccess, { mode: 0o600 });
  await giveTo(path, user);
}

export async function readPassword(path: string): Promise<string | undefined> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return /^[0-9a-f]{32,}$/.test(text) ? text : undefined;
}

/** Gives the role a new password and keeps it. The server must not be running. */
export async function setPassword(init: ClusterInit, cluster = init.cluster): Promise<void> {
  const password = randomBytes(24).toString('hex');
  await runStandalone(init, cluster, [`ALTER ROLE ${roleName} PASSWORD '${password}'`]);
  await rm(init.passwordFile, { force: true });
  const file = await open(init.passwordFile, 'wx', 0o600);
  await file.writeFile(`${password}\n`);
  await file.sync();
  await file.close();
}

/** Runs statements without a server: the only way in before there is a password. */
async function runStandalone(init: ClusterInit, cluster: string, statements: readonly string[]): Promise<void> {
  const run = await runCommand(init.binaries.postgres, ['--single', '-D', cluster, 'postgres'], { user: init.user, input: `${statements.join('\n')}\n` });
  if (run.code === 0 && !/ERROR:|FATAL:|PANIC:/.test(run.output)) return;
  if (run.code === -1)
    throw new OperatingError(`PostgreSQL's programs could not be started: ${run.output}`, { code: 'POSTGRES_START_FAILED', retryable: false });
  throw explainFailure(run.output, cluster);
}
