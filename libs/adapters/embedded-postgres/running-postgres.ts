import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

const answersWithinMs = 2000;

/**
 * Where the server of a data folder takes connections, for programs beside the one that started it; undefined when none does.
 * The address stays when a server ends, and its port may be somebody else's by then, who does not know its password.
 * @param run the folder of what runs, `run/` of the data folder
 */
export async function runningPostgres(run: string): Promise<string | undefined> {
  const url = await addressIn(run);
  if (url === undefined) return undefined;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: answersWithinMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return url;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function addressIn(run: string): Promise<string | undefined> {
  try {
    const { url } = JSON.parse(await readFile(join(run, 'postgres.json'), 'utf8')) as { readonly url?: unknown };
    return typeof url === 'string' ? url : undefined;
  } catch {
    return undefined;
  }
}
