import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '#kernel';
import { errnoOf, exitCodes, messageOf, PlainFailure } from '../streams.errors.ts';

/** What others may do with a folder that root makes: pass through, because PostgreSQL runs as another user below it; not look. */
const passable = 0o711;
const closed = 0o700;
/** What lies in a data folder and may hold anything of anybody; the database and the secrets close themselves. */
const rooms = ['log', 'blobs', 'edge', 'run'];

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Takes a data folder of an earlier version away from everybody but its owner.
 * @returns the folders that were open to others and are closed now
 * @throws the file system's error where the folder is somebody else's.
 */
export function closeDataFolder(dataDir: string): readonly string[] {
  const modes = [[dataDir, isRoot() ? passable : closed] as const, ...rooms.map((room) => [join(dataDir, room), closed] as const)];
  return modes.filter(([path, mode]) => closeFolder(path, mode)).map(([path]) => path);
}

function closeFolder(path: string, mode: number): boolean {
  const now = existsSync(path) ? statSync(path).mode & 0o777 : 0;
  if ((now & ~mode) === 0) return false;
  chmodSync(path, now & mode);
  return true;
}

/**
 * Makes a folder and those above it, one by one from the first that is there. Not by Node's `recursive`: where nothing can
 * be made (/proc) that goes round in circles for ever, and on a read-only file system it says ENOENT.
 * @throws the file system's error.
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder);
      if (isRoot() && folder !== path) chmodSync(folder, passable);
    } catch (error) {
      // Another process may have been first.
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

/** What a failure in the data folder means, in a sentence that says what to do. */
export function folderFailure(error: unknown, dataDir: string): PlainFailure {
  const text = `${errnoOf(error)} ${messageOf(error)}`;
  return new PlainFailure(
    sentences.find(([sign]) => sign.test(text))?.[1](dataDir) ?? `The data folder ${dataDir} cannot be used: ${messageOf(error)}`,
    exitCodes.usage,
  );
}

const sentences: ReadonlyArray<readonly [RegExp, (dataDir: string) => string]> = [
  [/ENOTDIR|EEXIST/, (dataDir) => `The data folder ${dataDir} is not a folder: remove that file, or set STREAMS_DATA_DIR to another place.`],
  [/ENOSPC|EDQUOT|disk is full/i, (dataDir) => `The disk that holds ${dataDir} is full: free some space and start again.`],
  [/EROFS/, (dataDir) => `The data folder ${dataDir} is on a read-only file system: set STREAMS_DATA_DIR to a folder on a disk that can be written.`],
  [
    /EACCES|EPERM|unable to open|readonly/i,
    (dataDir) => `The data folder ${dataDir} cannot be written: run as its owner, or set STREAMS_DATA_DIR to a folder of yours.`,
  ],
  [/ENOENT|ENOSYS|EOPNOTSUPP|EINVAL/, (dataDir) => `The data folder ${dataDir} cannot be made there: set STREAMS_DATA_DIR to a folder on a disk.`],
  [/ENAMETOOLONG/, () => 'The name of the data folder is too long: set STREAMS_DATA_DIR to a shorter one.'],
  [/not a database|malformed|corrupt/i, (dataDir) => `The file run/supervisor.lock in the data folder ${dataDir} is damaged: delete it and start again.`],
];
