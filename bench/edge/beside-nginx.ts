import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchOrigin } from './load.ts';
import { installed, keepOn, startEdge, startNginx, type Measured } from './processes.ts';

const serverCore = 0;
/** Where the load is made. */
export const clientCore = 1;
export const peer = 'nginx proxy_cache';

export interface BesideNginx {
  /** For files of the bench; removed at its end. */
  readonly folder: string;
  readonly origin: BenchOrigin;
  /** `edge`, and {@link peer} where it is installed. */
  readonly servers: Readonly<Record<string, Measured>>;
}

/**
 * Measures an edge and nginx before the same origin, on the same core.
 * @param envOf settings of the edge
 * @throws Error when the load generator is not installed
 */
export async function besideNginx(
  name: string,
  measure: (all: BesideNginx) => Promise<void>,
  envOf: (folder: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<void> {
  if (!(await installed('wrk'))) throw new Error('The load generator wrk is not installed: apt-get install wrk.');
  const folder = await mkdtemp(join(tmpdir(), `bench-${name}-`));
  const origin = new BenchOrigin();
  const servers: Record<string, Measured> = {};
  try {
    const originPort = await origin.listen();
    // The origin is this process: it leaves the server's core alone.
    await keepOn(process.pid, clientCore);
    servers['edge'] = await startEdge(join(folder, 'edge'), originPort, serverCore, undefined, envOf(folder));
    if (await installed('nginx')) servers[peer] = await startNginx(join(folder, 'nginx'), originPort, serverCore, false);
    await measure({ folder, origin, servers });
  } finally {
    for (const server of Object.values(servers)) await server.stop();
    origin.close();
    await rm(folder, { recursive: true, force: true });
  }
}
