import { OperatingError } from '#kernel';
import { blobBytesMax } from '#ports';

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

export function notFound(cid: string): OperatingError {
  return new OperatingError(`There is no blob ${cid}.`, { code: 'BLOB_NOT_FOUND', retryable: false });
}

export function corrupt(cid: string, path: string): OperatingError {
  return new OperatingError(`The file ${path} does not hold the bytes of ${cid}; the disk or a person has changed it. Delete it, and store the blob again.`, {
    code: 'BLOB_CORRUPT',
    retryable: false,
  });
}

export function tooLarge(): OperatingError {
  return new OperatingError(`A blob has at most ${blobBytesMax} bytes.`, { code: 'BLOB_TOO_LARGE', retryable: false });
}

export function rangeInvalid(cid: string, first: number, last: number, sizeBytes: number): OperatingError {
  return new OperatingError(`Bytes ${first} to ${last} are not within the ${sizeBytes} bytes of ${cid}.`, { code: 'BLOB_RANGE_INVALID', retryable: false });
}

/** What an error of the file system means to the callers of the store. */
export function translated(error: unknown, folder: string): OperatingError {
  if (error instanceof OperatingError) return error;
  if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') {
    return new OperatingError(`The disk of the blob store ${folder} is full. Free some space, then it goes on.`, {
      code: 'BLOB_STORE_FULL',
      retryable: true,
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new OperatingError(`The blob store ${folder} cannot be used now: ${reason}.`, { code: 'BLOB_STORE_UNAVAILABLE', retryable: true, cause: error });
}
