import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The server starts a new file every 10 MB; so many are kept. */
const filesMax = 5;

async function logFiles(cluster: string): Promise<string[]> {
  const folder = join(cluster, 'log');
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /^postgres-[\d-]+\.log$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Deletes all but the newest log files: the server rotates, but never deletes. */
export async function boundLogFiles(cluster: string): Promise<void> {
  const files = await logFiles(cluster);
  for (const file of files.slice(0, -filesMax)) await rm(file, { force: true });
}

/** The end of what the server logged since a moment (ms since the Unix epoch); older runs tell nothing about this one. */
export async function logSince(cluster: string, sinceMs: number): Promise<string> {
  const newest = (await logFiles(cluster)).at(-1);
  if (newest === undefined) return '';
  const { mtimeMs } = await stat(newest);
  return mtimeMs < sinceMs ? '' : (await readFile(newest, 'utf8').catch(() => '')).slice(-8000);
}
