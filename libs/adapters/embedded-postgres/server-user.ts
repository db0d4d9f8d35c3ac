import { readFile, stat } from 'node:fs/promises';
import { OperatingError } from '#kernel';
import { runCommand } from './run-command.ts';

/** Whom the server runs as, when that is not ourselves. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const ownName = 'streams-postgres';
/** System users that exist to run this very server. */
const knownNames = [ownName, 'postgres', '_postgres'];

/** True when this process is root, which the server refuses to run as. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Finds a user in the text of a passwd database (passwd(5): name:password:uid:gid:…). */
export function findUser(passwd: string, name: string): ServerUser | undefined {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && /^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? '')) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

async function lookUp(name: string): Promise<ServerUser | undefined> {
  const file = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return findUser(file, name) ?? findUser((await runCommand('getent', ['passwd', name])).output, name);
}

async function create(): Promise<ServerUser | undefined> {
  const shapes: ReadonlyArray<readonly [string, readonly string[]]> = [
    ['useradd', ['--system', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', '--user-group', ownName]],
    ['adduser', ['--system', '--group', '--no-create-home', '--disabled-password', ownName]],
    ['adduser', ['-S', '-D', '-H', ownName]], // BusyBox
  ];
  for (const [command, args] of shapes) {
    await runCommand(command, args);
    const user = await lookUp(ownName);
    if (user !== undefined) return user;
  }
  return undefined;
}

async function canBecome(user: ServerUser | undefined): Promise<boolean> {
  return user !== undefined && user.uid !== 0 && (await runCommand('/bin/sh', ['-c', 'exit 0'], { user })).code === 0;
}

/**
 * Whom to run the server as: undefined for ourselves. As root, whoever owns the cluster already; else a user made for
 * this server; else a new one; else nobody.
 * @throws OperatingError `POSTGRES_NO_USER`
 */
export async function serverUserOf(cluster: string): Promise<ServerUser | undefined> {
  if (!isRoot()) return undefined;
  const owner = await stat(cluster).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) {
    const user = { uid: owner.uid, gid: owner.gid };
    if (await canBecome(user)) return user;
  }
  for (const find of [...knownNames.map((name) => () => lookUp(name)), create, () => lookUp('nobody')]) {
    const user = await find();
    if (await canBecome(user)) return user;
  }
  throw new OperatingError('PostgreSQL refuses to run as root, and no other user could be used. Start Streams as a plain user, or set DATABASE_URL.', {
    code: 'POSTGRES_NO_USER',
    retryable: false,
  });
}
