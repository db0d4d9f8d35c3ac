import { OperatingError } from '#kernel';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The text of a file; undefined when there is none. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new OperatingError(`The file ${path} cannot be read: ${codeOf(error)}.`, { code: 'STATE_UNREADABLE', retryable: true, cause: error });
  }
}

/** System errors may come from another realm, so only their code tells. */
function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}

/**
 * Replaces a file so that after a crash it holds the old text or the new one, never a part: write, sync, rename, sync
 * the folder.
 * @param mode of the file, less what the process masks
 * @throws OperatingError `STATE_UNWRITABLE` when the disk is full or closed to us; the old text is still there.
 */
export async function writeTextFile(path: string, text: string, mode = 0o666): Promise<void> {
  try {
    await replaceFile(path, text, mode);
  } catch (error) {
    throw new OperatingError(`The file ${path} cannot be written: ${codeOf(error)}.`, { code: 'STATE_UNWRITABLE', retryable: true, cause: error });
  }
}

async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
