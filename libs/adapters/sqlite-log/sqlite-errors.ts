import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { OperatingError } from '#kernel';
import { eventLogErrors } from '#ports';

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const codes = { busy: 5, locked: 6, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 } as const;

/** Below this many free bytes an I/O error is taken for a full disk. */
const freeBytesMin = 1_000_000;

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Another process is writing; the same call may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === codes.busy || code === codes.locked;
}

export function corrupt(path: string, what: string, cause?: unknown): OperatingError {
  return new OperatingError(`The event log ${path} ${what}. Restore it from a backup, or move it away to begin with an empty log.`, {
    code: 'LOG_CORRUPT',
    retryable: false,
    cause,
  });
}

function unavailable(path: string, cause: unknown): OperatingError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OperatingError(`The event log ${path} cannot be used now: ${reason}.`, { code: 'LOG_UNAVAILABLE', retryable: true, cause });
}

/** What an error of SQLite or the file system means to the callers of the log; others pass as they are. */
export function translated(error: unknown, path: string): unknown {
  switch (primaryCode(error)) {
    case undefined:
      return (error as NodeJS.ErrnoException | undefined)?.syscall === undefined ? error : fileError(error as NodeJS.ErrnoException, path);
    case codes.full:
      return eventLogErrors.full(error);
    case codes.ioerr:
      return diskIsFull(path) ? eventLogErrors.full(error) : unavailable(path, error);
    case codes.corrupt:
    case codes.notadb:
      return corrupt(path, 'is damaged', error);
    case codes.busy:
    case codes.locked:
    case codes.cantopen:
      return unavailable(path, error);
    default:
      return error;
  }
}

function fileError(error: NodeJS.ErrnoException, path: string): OperatingError {
  return error.code === 'ENOSPC' ? eventLogErrors.full(error) : unavailable(path, error);
}

function diskIsFull(path: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize < freeBytesMin;
}
