import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { eventFiles, type GeneratedFile } from './event-docs.ts';
import { metricFiles } from './metric-docs.ts';

/** The checkout, from where this file is compiled to. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** Paths of the files that are not as they would be generated now. */
export async function staleFiles(files: readonly GeneratedFile[] = [...eventFiles(), ...metricFiles()]): Promise<readonly string[]> {
  const stale = await Promise.all(
    files.map(async ({ path, text }) => {
      const committed = await readFile(`${checkout}${path}`, 'utf8').catch(() => undefined);
      return committed === text ? [] : [path];
    }),
  );
  return stale.flat();
}
