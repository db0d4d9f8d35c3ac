import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the local admin key lies, readable by its owner alone. */
export function adminKeyFile(dataDir: string): string {
  return join(dataDir, 'admin-key');
}

/** The local admin key; undefined when there is none, or none that this user may read. */
export function readAdminKey(dataDir: string): string | undefined {
  const file = adminKeyFile(dataDir);
  try {
    return existsSync(file) ? readFileSync(file, 'utf8').trim() || undefined : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a secret that only its owner can read: complete or not there. */
export function writeSecret(file: string, text: string): void {
  writeFileSync(`${file}.draft`, `${text}\n`, { mode: 0o600, flag: 'w' });
  renameSync(`${file}.draft`, file);
}
