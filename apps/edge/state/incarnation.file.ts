import { readTextFile, writeTextFile } from './atomic-file.ts';

/**
 * Takes the next incarnation of an edge: the time in ms, but always more than the last one, whatever the clock does. It
 * is the epoch that fences earlier processes of the same edge at the log.
 */
export async function takeIncarnation(path: string, nowMs: number): Promise<number> {
  const text = await readTextFile(path);
  const last = text === undefined || !/^\d{1,15}\s*$/.test(text) ? 0 : Number(text);
  const incarnation = Math.max(nowMs, last + 1);
  await writeTextFile(path, `${incarnation}\n`);
  return incarnation;
}
