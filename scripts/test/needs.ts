import { readFileSync } from 'node:fs';

/** A test file says what it needs from the system in its first comment: `@needs ffmpeg chromium`. */
export function needsOf(text: string): readonly string[] {
  const comment = /^\s*\/\*\*?([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  return [...comment.matchAll(/@needs ([a-z][a-z0-9 ]*)/g)].flatMap((match) => (match[1] ?? '').trim().split(/\s+/));
}

export interface Sorted {
  readonly runnable: readonly string[];
  readonly skipped: ReadonlyArray<{ readonly file: string; readonly missing: readonly string[] }>;
}

/** Sets aside the files that cannot run without a program that is missing here. */
export function sortByNeeds(files: readonly string[], missing: ReadonlySet<string>, read = (file: string): string => readFileSync(file, 'utf8')): Sorted {
  if (missing.size === 0) return { runnable: files, skipped: [] };
  const judged = files.map((file) => ({ file, missing: needsOf(read(file)).filter((need) => missing.has(need)) }));
  return {
    runnable: judged.filter((one) => one.missing.length === 0).map((one) => one.file),
    skipped: judged.filter((one) => one.missing.length > 0),
  };
}
