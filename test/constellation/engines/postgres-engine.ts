import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgres } from '#adapters/embedded-postgres';
import type { LocalEngine } from './engine.ts';

/** A PostgreSQL of its own process, which the platform is told about by URL: from DATABASE_URL, else out of the npm package. */
export async function startPostgres(): Promise<LocalEngine> {
  const given = process.env['DATABASE_URL'];
  if (given) {
    const restart = (): Promise<void> => Promise.reject(new Error('DATABASE_URL names a server that is not ours.'));
    return { url: given, env: { DATABASE_URL: given }, stop: () => Promise.resolve(), restart };
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'constellation-postgres-'));
  await chmod(dataDir, 0o755); // as root, the server's user must get in
  let server = await EmbeddedPostgres.start({ dataDir });
  return {
    url: server.url,
    env: { DATABASE_URL: server.url },
    restart: async (downMs = 0) => {
      process.kill(server.pid, 'SIGQUIT'); // "immediate": as a crash, the next start recovers
      await server.ended;
      await sleep(downMs);
      server = await EmbeddedPostgres.start({ dataDir, port: server.port });
    },
    stop: async () => {
      await server.stop();
      await EmbeddedPostgres.remove(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
