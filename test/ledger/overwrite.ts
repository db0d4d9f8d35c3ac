import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

/** Overwrites a text wherever it stands in a file of SQLite, or in its write-ahead log, past SQLite: who has the file open is not told. */
export function overwrite(path: string, from: string, to: string): void {
  if (from.length !== to.length) throw new Error('a text is overwritten by one of the same length');
  let places = 0;
  for (const name of [path, `${path}-wal`].filter((one) => existsSync(one))) {
    const bytes = readFileSync(name);
    const file = openSync(name, 'r+');
    for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, at + 1), places++) writeSync(file, to, at, 'latin1');
    closeSync(file);
  }
  if (places === 0) throw new Error(`there is no ${from} in ${path}`);
}
