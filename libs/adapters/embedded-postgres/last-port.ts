import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The port of the run before, so that clients find the server again; undefined when there was none. */
export async function readLastPort(run: string): Promise<number | undefined> {
  try {
    const { port } = JSON.parse(await readFile(join(run, 'postgres.json'), 'utf8')) as { port?: unknown };
    return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined;
  } catch {
    return undefined;
  }
}
