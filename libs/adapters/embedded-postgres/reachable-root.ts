import { mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';
import type { ServerUser } from './server-user.ts';

/** Can this user go into the folder? Found out by going: modes, ACLs, mounts and security modules all have their say. */
export async function canEnter(folder: string, user: ServerUser | undefined): Promise<boolean> {
  return (await runCommand('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { user })).code === 0;
}

/**
 * Folders of ours that the server's user can reach although the checkout or the data folder is closed to it, best first.
 * A folder that somebody else could have prepared is passed over: programs will be started from it.
 */
export async function* reachableRoots(user: ServerUser): AsyncGenerator<string> {
  for (const parent of ['/var/lib', '/var/tmp', tmpdir()]) {
    const root = join(parent, 'streams');
    try {
      await mkdir(root, { mode: 0o755, recursive: true });
      const { uid, mode } = await stat(root);
      if (uid !== process.getuid?.() || (mode & 0o022) !== 0) continue;
    } catch {
      continue; // read-only or not there: the next one
    }
    if (await canEnter(root, user)) yield root;
  }
}
