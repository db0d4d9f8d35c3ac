import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { exitCodes, messageOf, PlainFailure } from '../streams.errors.ts';
import { folderFailure, makeFolder } from './data-folder.ts';

/**
 * The right to be the one supervisor of a data folder. Node has no file locks, SQLite has: the system drops one together
 * with the process that held it, so that a killed supervisor leaves nothing to clean up.
 */
export class InstanceLock implements Disposable {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws PlainFailure when somebody else has it, or the folder cannot be written. */
  static acquire(path: string, dataDir: string): InstanceLock {
    const holder = `${path}.pid`;
    const database = openDatabase(path, dataDir);
    try {
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      writeFileSync(holder, `${process.pid}\n`);
    } catch (error) {
      database.close();
      throw busyOrBroken(error, dataDir, holder);
    }
    return new InstanceLock(database);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function openDatabase(path: string, dataDir: string): DatabaseSync {
  try {
    makeFolder(dirname(path));
    return new DatabaseSync(path);
  } catch (error) {
    throw folderFailure(error, dataDir);
  }
}

function busyOrBroken(error: unknown, dataDir: string, holder: string): PlainFailure {
  if (!/locked|busy/i.test(messageOf(error))) return folderFailure(error, dataDir);
  const pid = readHolder(holder);
  const who = pid === '' ? '' : ` (process ${pid})`;
  return new PlainFailure(
    `Streams already runs on the data folder ${dataDir}${who}: stop it first, or set STREAMS_DATA_DIR to another folder.`,
    exitCodes.usage,
  );
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
