import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openApiOf } from '../../apps/gateway/openapi/openapi.ts';
import { operations } from '../../apps/gateway/openapi/operations.ts';
import { eventFiles, type GeneratedFile } from './event-docs.ts';

/** The checkout, from where this file is compiled to. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** Every committed file that is generated from code. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [...eventFiles(), { path: 'docs/openapi.json', text: `${JSON.stringify(openApiOf(operations), undefined, 2)}\n` }];
}

/** Paths of the files that are not as they would be generated now. */
export async function staleFiles(): Promise<readonly string[]> {
  const stale = await Promise.all(
    generatedFiles().map(async ({ path, text }) => {
      const committed = await readFile(`${checkout}${path}`, 'utf8').catch(() => undefined);
      return committed === text ? [] : [path];
    }),
  );
  return stale.flat();
}
