import { readFile } from 'node:fs/promises';

/** The committed schemas: those of older versions are nowhere else. */
const schemas = new URL('../../../../docs/schemas/', import.meta.url);

/** The JSON Schema of a version; null for one that this program does not know. */
export async function jsonSchemaOf(type: string, version: number): Promise<object | null> {
  try {
    return JSON.parse(await readFile(new URL(`${type}.${version}.json`, schemas), 'utf8')) as object;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
