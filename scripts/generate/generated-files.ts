import { readFile } from 'node:fs/promises';
import { asyncApiFile } from './async-api.ts';
import { checkout } from './checkout.ts';
import { eventFiles, schemaOfVersion, type GeneratedFile } from './event-docs.ts';
import { metricFiles } from './metric-docs.ts';
import { readReleased, releasedFile } from './released-schemas.ts';

export { checkout } from './checkout.ts';

/** Everything that is generated here from the catalogue and the metrics. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [...eventFiles(), ...metricFiles(), asyncApiFile(schemaOfVersion), releasedFile(readReleased(), schemaOfVersion)];
}

/** Paths of the files that are not as they would be generated now. */
export async function staleFiles(files: readonly GeneratedFile[] = generatedFiles()): Promise<readonly string[]> {
  const stale = await Promise.all(
    files.map(async ({ path, text }) => {
      const committed = await readFile(`${checkout}${path}`, 'utf8').catch(() => undefined);
      return committed === text ? [] : [path];
    }),
  );
  return stale.flat();
}
