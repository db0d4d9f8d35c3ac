import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgres } from './embedded-postgres.ts';

const run = promisify(execFile);

/** Data folders for tests: made once, then copied, which is quicker than making a cluster for each. */
export class DataDirs {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async open(): Promise<DataDirs> {
    const root = await mkdtemp(join(tmpdir(), 'streams-postgres-'));
    await chmod(root, 0o755); // as root, the server's user must get in
    await (await EmbeddedPostgres.start({ dataDir: join(root, 'template') })).stop();
    return new DataDirs(root);
  }

  /** A folder of a stopped server; the one of the test before is deleted. */
  async next(): Promise<string> {
    const path = join(this.#root, 'data');
    await EmbeddedPostgres.remove(path);
    await rm(path, { recursive: true, force: true });
    await run('cp', ['-a', join(this.#root, 'template'), path]);
    return path;
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}
