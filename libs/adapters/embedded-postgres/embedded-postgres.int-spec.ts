import { spawn } from 'node:child_process';
import { cp, lstat, mkdir, readdir, readFile, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { findPackage, serverBinaries } from './binaries.ts';
import { currentCluster } from './cluster-place.ts';
import { DataDirs } from './data-dir.fixture.ts';
import { EmbeddedPostgres } from './embedded-postgres.ts';
import { isAlive, pidFileOf } from './postmaster-pid.ts';
import { runningPostgres } from './running-postgres.ts';
import { isRoot, serverUserOf, type ServerUser } from './server-user.ts';

const operating = (code: string) => expect.objectContaining({ code, message: expect.stringMatching(/^[A-Z][^\n]{20,}\.$/) });

let dataDir = '';
let running: EmbeddedPostgres[] = [];
let strangers: number[] = [];

let dataDirs: DataDirs;

beforeAll(async () => {
  dataDirs = await DataDirs.open();
});

afterAll(() => dataDirs.close());

beforeEach(async () => {
  dataDir = await dataDirs.next();
  running = [];
  strangers = [];
});

afterEach(async () => {
  for (const server of running) await server.stop();
  for (const pid of strangers) process.kill(pid, 'SIGKILL');
});

async function start(port?: number): Promise<EmbeddedPostgres> {
  const server = await EmbeddedPostgres.start({ dataDir, port });
  running.push(server);
  return server;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

/** A living process that has nothing to do with us, run as the server's user so that only its work tells them apart. */
async function stranger(): Promise<number> {
  const user: ServerUser | undefined = await serverUserOf(await currentCluster(dataDir));
  const child = spawn('/bin/sleep', ['1000'], { cwd: '/', stdio: 'ignore', ...user });
  await new Promise((resolve) => child.once('spawn', resolve));
  strangers.push(child.pid ?? -1);
  return child.pid ?? -1;
}

describe('an embedded PostgreSQL', () => {
  test('keeps its data, its port and its password from one start to the next', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS n');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
  });

  test('is found by other programs while it runs, and not by the address that it leaves', async () => {
    const run = join(dataDir, 'run');
    expect(await runningPostgres(run)).toBeUndefined();
    const server = await start();
    expect(await runningPostgres(run)).toBe(server.url);
    await server.stop();
    expect(await runningPostgres(run)).toBeUndefined();
  });

  test('listens on loopback only, asks for the password, and keeps it to its owner', async () => {
    const server = await start();
    const settings =
      "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'listen_addresses', 'synchronous_commit', 'unix_socket_directories') ORDER BY name";
    expect((await query(server.url, settings)).map(({ setting }) => setting)).toEqual(['on', '127.0.0.1', 'on', '']);
    const wrong = new URL(server.url);
    wrong.password = 'x'.repeat(48);
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(await modeOf(join(dataDir, 'postgres.password'))).toBe(0o600);
    expect(await modeOf(join(dataDir, 'run', 'postgres.json'))).toBe(0o600);
    expect(JSON.parse(await readFile(join(dataDir, 'run', 'postgres.json'), 'utf8'))).toEqual({ url: server.url, port: server.port, pid: server.pid });
  });

  test('orders text by code point and keeps every character', async () => {
    const { url } = await start();
    expect(await query(url, "SELECT string_agg(c, '' ORDER BY c) AS sorted FROM unnest(ARRAY['ä', 'a', 'Z', '😀', '～']) AS c")).toEqual([
      { sorted: 'Zaä～😀' },
    ]);
  });

  test('takes the port that is wished for, and another when that is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const port = (taken.address() as { port: number }).port;
    const first = await start(port);
    expect(first.port).not.toBe(port);
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await first.stop();
    await new Promise((resolve) => taken.close(resolve));
    expect((await start(port)).port).toBe(port);
  });

  test('is not started twice', async () => {
    await start();
    const other = EmbeddedPostgres.start({ dataDir });
    await running[0]?.stop();
    const second = await other;
    running.push(second);
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('recovers after its server was killed under load', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE t (n int)');
    const client = new pg.Client({ connectionString: first.url });
    client.on('error', () => undefined);
    await client.connect();
    let acknowledged = 0;
    const load = (async () => {
      for (;;) {
        await client.query('INSERT INTO t VALUES ($1)', [acknowledged]);
        acknowledged += 1;
        if (acknowledged === 50) process.kill(first.pid, 'SIGKILL');
      }
    })();
    await expect(load).rejects.toThrow();
    await first.ended;
    const second = await start();
    const rows = await query(second.url, 'SELECT count(*)::int AS n FROM t');
    expect(rows[0]?.['n']).toBeGreaterThanOrEqual(acknowledged);
  });

  test.each([
    ['names a dead process', async (text: string) => text.replace(/^\d+/, '4194300')],
    ['names a stranger who got the number', async (text: string) => text.replace(/^\d+/, String(await stranger()))],
    ['is empty', async () => ''],
    ['is garbage', async () => '\u0000\u0001garbage\n'],
  ])('starts when the pid file %s', async (_what, spoil) => {
    const first = await start();
    const path = pidFileOf(await currentCluster(dataDir));
    const text = await readFile(path, 'utf8');
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    await writeFile(path, await spoil(text));
    const second = await start();
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    for (const pid of strangers) expect(isAlive(pid)).toBe(true);
  });

  test('makes a new password when the old one is lost', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS n');
    await first.stop();
    await rm(join(dataDir, 'postgres.password'));
    const second = await start();
    expect(second.url).not.toBe(first.url);
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
  });

  test('makes a new password when the cluster is another than the one that the password was made for', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE t AS SELECT 43 AS n');
    await first.stop();
    await writeFile(join(dataDir, 'postgres.password'), `${'0f'.repeat(24)}\n`);
    const second = await start();
    expect(second.url).not.toContain('0f0f0f');
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 43 }]);
    expect(await modeOf(join(dataDir, 'postgres.password'))).toBe(0o600);
  });

  test('leaves no half-made cluster behind, and sweeps one that a killed start left', async () => {
    await EmbeddedPostgres.remove(dataDir);
    await mkdir(join(dataDir, 'postgres.draft-0000'));
    await start();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.password', 'run']);
  });
});

describe('an embedded PostgreSQL says in one sentence', () => {
  test('that its data is of another version', async () => {
    await (await start()).stop();
    await writeFile(join(await currentCluster(dataDir), 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toEqual(operating('POSTGRES_VERSION_MISMATCH'));
  });

  test.each([
    ['control file is cut', (cluster: string) => truncate(join(cluster, 'global', 'pg_control'), 100)],
    ['write-ahead log is gone', (cluster: string) => rm(join(cluster, 'pg_wal'), { recursive: true })],
    ['settings are gone', (cluster: string) => rm(join(cluster, 'global'), { recursive: true })],
    ['version is gone', (cluster: string) => rm(join(cluster, 'PG_VERSION'))],
  ])('that its data is damaged: the %s', async (_what, damage) => {
    await (await start()).stop();
    await damage(await currentCluster(dataDir));
    await expect(start()).rejects.toEqual(operating('POSTGRES_DATA_CORRUPT'));
  });

  test('that the data folder cannot be made', async () => {
    await writeFile(join(dataDir, 'file'), '');
    await expect(EmbeddedPostgres.start({ dataDir: join(dataDir, 'file', 'below') })).rejects.toEqual(operating('POSTGRES_DATA_UNREACHABLE'));
  });
});

(isRoot() ? describe : describe.skip)('as root, PostgreSQL runs as another user', () => {
  test('who owns the cluster and nothing else', async () => {
    const server = await start();
    const { uid } = await stat(join(dataDir, 'postgres'));
    expect(uid).not.toBe(0);
    expect((await stat(`/proc/${server.pid}`)).uid).toBe(uid);
    expect((await stat(dataDir)).uid).toBe(0);
  });

  test('also when the data folder is closed to others: the cluster goes where that user can reach it', async () => {
    const closed = join(dataDir, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const below = join(closed, 'data');
    const first = await EmbeddedPostgres.start({ dataDir: below });
    running.push(first);
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS n');
    const target = await readlink(join(below, 'postgres'));
    expect(target.startsWith(closed)).toBe(false);
    await first.stop();
    const second = await EmbeddedPostgres.start({ dataDir: below });
    running.push(second);
    expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 42 }]);
    await second.stop();
    // Who deletes the data folder begins anew, though the cluster lies elsewhere.
    await rm(below, { recursive: true });
    const third = await EmbeddedPostgres.start({ dataDir: below });
    running.push(third);
    expect(await query(third.url, "SELECT to_regclass('t') AS t")).toEqual([{ t: null }]);
    await third.stop();
    await EmbeddedPostgres.remove(below);
    await expect(stat(dirname(target))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a cluster that had to go elsewhere is swept once its temporary data folder is gone', async () => {
    const closed = join(dataDir, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const homes: string[] = [];
    for (const name of ['first', 'second']) {
      const below = join(closed, name);
      await (await EmbeddedPostgres.start({ dataDir: below })).stop();
      homes.push(dirname(await readlink(join(below, 'postgres'))));
      if (name === 'first') await rm(below, { recursive: true });
    }
    await expect(stat(homes[0] as string)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await stat(homes[1] as string)).isDirectory()).toBe(true);
    await EmbeddedPostgres.remove(join(closed, 'second'));
  });

  test('also when the programs lie in a folder that is closed to others: a copy is made once, complete with its links', async () => {
    const user = await serverUserOf(dataDir);
    const { native } = await findPackage();
    const closed = join(dataDir, 'closed');
    await mkdir(closed, { mode: 0o700 });
    await cp(native, join(closed, 'native'), { recursive: true, filter: async (path) => !(await lstat(path)).isSymbolicLink() });
    const version = `test-${process.pid}`;
    const binaries = await serverBinaries(user, { native: join(closed, 'native'), version });
    const copy = join(binaries.postgres, '..', '..');
    try {
      expect(copy.startsWith(closed)).toBe(false);
      const before = (await stat(binaries.postgres)).ino;
      expect(await serverBinaries(user, { native: join(closed, 'native'), version })).toEqual(binaries);
      expect((await stat(binaries.postgres)).ino).toBe(before);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  });
});
