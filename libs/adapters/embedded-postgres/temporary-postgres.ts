import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from './embedded-postgres.ts';

export interface TemporaryPostgres {
  readonly url: string;
  readonly dataDir: string;
  /** Ends the server and deletes everything of it. */
  stop(): Promise<void>;
}

/** A server for one test file or benchmark: starts in about a second and leaves nothing behind. */
export async function temporaryPostgres(): Promise<TemporaryPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'streams-postgres-'));
  await chmod(dataDir, 0o755); // as root, the server's user must get in
  const server = await EmbeddedPostgres.start({ dataDir });
  return {
    url: server.url,
    dataDir,
    stop: async () => {
      await server.stop();
      await EmbeddedPostgres.remove(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
