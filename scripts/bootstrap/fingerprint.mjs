import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every file below `folder` with a path for which `wanted` holds; what was built or installed below it is not looked at. */
export function* files(folder, wanted) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'dist') yield* files(path, wanted);
    } else if (wanted(path)) yield path;
  }
}

/** Changes when a file comes, goes, or is written. Reads no contents, so that a second start stays quick. */
export function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path}\n${mtimeMs}\n${size}\n`);
  }
  return hash.digest('hex');
}

export function stampMatches(file, value) {
  return existsSync(file) && readFileSync(file, 'utf8') === value;
}

export function writeStamp(file, value) {
  writeFileSync(file, value);
}
