import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { hasCode, OperatingError } from '#kernel';
import { serverBinaries, type ServerBinaries } from './binaries.ts';
import { currentCluster, placeCluster, removeCluster } from './cluster-place.ts';
import { createCluster, databaseName, hasCluster, readPassword, roleName, setPassword, writeHostAccess, type ClusterInit } from './cluster.ts';
import { DataDirLock } from './data-dir-lock.ts';
import { freePort } from './free-port.ts';
import { disownPidFile, isAlive, readPostmasterPid, servesCluster } from './postmaster-pid.ts';
import { readLastPort } from './last-port.ts';
import { boundLogFiles } from './server-log.ts';
import { explainFailure } from './server-failure.ts';
import { ServerProcess } from './server-process.ts';
import { serverUserOf } from './server-user.ts';

export interface EmbeddedPostgresInit {
  /** The folder of state; the cluster goes to `postgres/` in it. */
  readonly dataDir: string;
  /** A wish: where it is taken, another free port is used. Otherwise the port of the last run. */
  readonly port?: number | undefined;
  /** Calls the start off. */
  readonly signal?: AbortSignal | undefined;
}

const lockWaitMs = 20_000;
const readyWithinMs = 600_000;
const orphanPatienceMs = 10_000;
const launchAttemptsMax = 60;
const logSweepMs = 60_000;

/**
 * A real PostgreSQL server for one data folder, out of npm packages: nothing to install, nothing shared, and as root
 * run by another user. At most one runs per folder; it listens on loopback only and ends with this process.
 */
export class EmbeddedPostgres {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server is gone, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #server: ServerProcess;
  readonly #lock: DataDirLock;

  private constructor(server: ServerProcess, url: string, cluster: string, lock: DataDirLock) {
    this.#server = server;
    this.#lock = lock;
    this.url = url;
    this.port = server.port;
    this.pid = server.pid;
    const sweep = setInterval(() => void boundLogFiles(cluster).catch(() => undefined), logSweepMs);
    sweep.unref();
    this.ended = server.ended.then(() => {
      clearInterval(sweep);
      lock[Symbol.dispose]();
    });
  }

  /**
   * Starts the server, or takes over the one that a killed owner left running, and returns when it takes connections.
   * The first start makes the cluster; one after a crash waits for recovery.
   * @throws OperatingError with one sentence for a person: `POSTGRES_IN_USE`, `POSTGRES_DISK_FULL`,
   *   `POSTGRES_DATA_CORRUPT`, `POSTGRES_VERSION_MISMATCH`, `POSTGRES_DATA_UNREACHABLE`, `POSTGRES_BINARIES_UNUSABLE`,
   *   `POSTGRES_NO_USER`, `POSTGRES_NO_MEMORY`, `POSTGRES_START_FAILED`, `POSTGRES_START_TIMEOUT`, `POSTGRES_START_ABORTED`
   */
  static async start(init: EmbeddedPostgresInit): Promise<EmbeddedPostgres> {
    const dataDir = resolve(init.dataDir);
    const run = join(dataDir, 'run');
    await mkdir(run, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      throw explainFailure(error.code === 'ENOSPC' ? 'No space left on device' : `Permission denied: ${error.message}`, dataDir);
    });
    const lock = await DataDirLock.acquire(join(run, 'postgres.lock'), lockWaitMs);
    try {
      const user = await serverUserOf(await currentCluster(dataDir));
      const binaries = await serverBinaries(user);
      const cluster = await placeCluster(dataDir, user);
      const place: ClusterInit = { cluster, binaries, user, passwordFile: join(dataDir, 'postgres.password') };
      if (!(await hasCluster(cluster))) await createCluster(place);
      await writeHostAccess(cluster, user);
      await boundLogFiles(cluster);
      const server = (await adoptOrphan(place)) ?? (await launchOpen(place, init, await readLastPort(run)));
      const url = urlOf(server.port, (await readPassword(place.passwordFile)) ?? '');
      await writeAddress(run, url, server);
      return new EmbeddedPostgres(server, url, cluster, lock);
    } catch (error) {
      lock[Symbol.dispose]();
      if (error instanceof OperatingError) throw error;
      throw explainFailure(String(error), dataDir);
    }
  }

  /** Ends the server: open transactions are rolled back, everything committed is safe. Returns when it is gone. */
  async stop(): Promise<void> {
    await this.#server.stop();
    this.#lock[Symbol.dispose]();
  }

  /** Ends the server at once, as a crash would: the next start recovers. Returns when it is gone. */
  async kill(): Promise<void> {
    this.#server.kill();
    await this.ended;
  }

  /** Deletes the cluster of a data folder, wherever it had to be put. Its server must be stopped. */
  static async remove(dataDir: string): Promise<void> {
    await removeCluster(resolve(dataDir));
  }
}

function urlOf(port: number, password: string): string {
  return `postgresql://${roleName}:${password}@127.0.0.1:${port}/${databaseName}`;
}

/** Tells other processes of this machine where the server is: complete or as before. */
async function writeAddress(run: string, url: string, server: ServerProcess): Promise<void> {
  const draft = join(run, `postgres.json.${process.pid}`);
  await writeFile(draft, `${JSON.stringify({ url, port: server.port, pid: server.pid })}\n`, { mode: 0o600 });
  await rename(draft, join(run, 'postgres.json'));
}

/** Is this the server that we would start? */
async function isOurs(url: string, cluster: string, binaries: ServerBinaries): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000, query_timeout: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ folder: string; version: string }>(
      "SELECT current_setting('data_directory') AS folder, current_setting('server_version') AS version",
    );
    return rows[0]?.folder === cluster && rows[0].version === binaries.version;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * What a killed owner left behind. A server of ours that works is adopted, so that its clients notice nothing; one that
 * does not answer is stopped: never may two run. A pid file that names a stranger is disowned.
 */
async function adoptOrphan(place: ClusterInit): Promise<ServerProcess | undefined> {
  const password = await readPassword(place.passwordFile);
  const found = await readPostmasterPid(place.cluster);
  if (found !== undefined && (await servesCluster(found.pid, place.cluster))) {
    for (let waited = 0; waited < orphanPatienceMs && isAlive(found.pid); waited += 100) {
      const now = await readPostmasterPid(place.cluster);
      if (password === undefined) break;
      if (now?.ready === true && (await isOurs(urlOf(now.port, password), place.cluster, place.binaries))) return ServerProcess.adopt(now.pid, now.port);
      if (now?.ready === true) break;
      await sleep(100);
    }
    if (isAlive(found.pid)) await ServerProcess.adopt(found.pid, found.port).stop();
  } else if (found === undefined || isAlive(found.pid)) {
    await disownPidFile(place.cluster);
  }
  if (password === undefined) await setPassword(place);
  return undefined;
}

/** A cluster that was copied here comes with its own password, of which the file knows nothing: both get a new one. */
async function launchOpen(place: ClusterInit, init: EmbeddedPostgresInit, lastPort: number | undefined): Promise<ServerProcess> {
  const server = await launch(place, init, lastPort);
  if (await opensTo(urlOf(server.port, (await readPassword(place.passwordFile)) ?? ''))) return server;
  await server.stop();
  await setPassword(place);
  return launch(place, init, server.port);
}

/** False when the server refuses the password (SQLSTATE 28P01). */
async function opensTo(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    return !hasCode(error, '28P01');
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function launch(place: ClusterInit, init: EmbeddedPostgresInit, lastPort: number | undefined): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort([init.port, lastPort], place.cluster);
    try {
      return await ServerProcess.launch({ ...place, port, readyWithinMs, signal: init.signal });
    } catch (error) {
      // Backends of a killed server need a moment to notice; a port can be taken between the look and the start.
      const passing = hasCode(error, 'POSTGRES_STILL_RUNNING') || hasCode(error, 'POSTGRES_PORT_TAKEN');
      if (!passing || attempt >= launchAttemptsMax) throw error;
      await sleep(100);
    }
  }
}
