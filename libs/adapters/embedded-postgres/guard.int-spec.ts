import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { DataDirs } from './data-dir.fixture.ts';
import { EmbeddedPostgres } from './embedded-postgres.ts';
import { GuardProcess } from './guard-process.fixture.ts';
import { isAlive } from './postmaster-pid.ts';
import { canEnter } from './reachable-root.ts';
import { isRoot } from './server-user.ts';

let dataDir = '';
let guards: GuardProcess[] = [];

let dataDirs: DataDirs;

beforeAll(async () => {
  dataDirs = await DataDirs.open();
});

afterAll(() => dataDirs.close());

beforeEach(async () => {
  dataDir = await dataDirs.next();
  guards = [];
});

afterEach(async () => {
  for (const guard of guards) await guard.stop();
  // A guard that a test killed leaves its server to the next one.
  await (await EmbeddedPostgres.start({ dataDir })).stop();
});

function guard(options?: ConstructorParameters<typeof GuardProcess>[1]): GuardProcess {
  const started = new GuardProcess(dataDir, options);
  guards.push(started);
  return started;
}

async function query(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ one: number }>('SELECT 1 AS one')).rows[0]?.one;
  } finally {
    await client.end();
  }
}

describe('the guard', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('ends with its server on %s', async (signal) => {
    const one = guard();
    const { pid } = await one.ready();
    one.child.kill(signal);
    expect(await one.exited).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test('ends with its server when the supervisor is gone', async () => {
    const one = guard();
    const { pid } = await one.ready();
    one.child.stdin?.end();
    expect(await one.exited).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test('that was killed leaves a server that the next guard takes over, and its clients notice nothing', async () => {
    const first = guard();
    const { url, pid } = await first.ready();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('BEGIN');
    first.child.kill('SIGKILL');
    await first.exited;
    const second = guard();
    expect(await second.ready()).toEqual({ url, pid });
    expect((await client.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    expect(await second.stop()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test('starts a killed server again on the same port', async () => {
    const one = guard();
    const { url, pid } = await one.ready();
    await sleep(5200); // a server that dies right after its start is not started again
    process.kill(pid, 'SIGKILL');
    const again = await one.ready(2);
    expect(again.url).toBe(url);
    expect(again.pid).not.toBe(pid);
    expect(await query(again.url)).toBe(1);
  });

  test('ends a frozen server and starts it again on the same port', async () => {
    const one = guard({ environment: { STREAMS_FROZEN_AFTER_MS: '2000' } });
    const { url, pid } = await one.ready();
    await sleep(4000); // as above, with the silence
    process.kill(pid, 'SIGSTOP');
    const again = await one.ready(2);
    expect(one.lines.map(({ code }) => code)).toContain('POSTGRES_FROZEN');
    expect(again.url).toBe(url);
    expect(isAlive(pid)).toBe(false);
    expect(await query(again.url)).toBe(1);
  });

  test('gives up on a server that dies right after its start', async () => {
    const one = guard();
    const { pid } = await one.ready();
    process.kill(pid, 'SIGKILL');
    expect(await one.exited).toBe(1);
    expect(one.lines.at(-1)).toMatchObject({ level: 60, code: 'POSTGRES_DIED' });
  });

  test('notices the end of a server that it took over', async () => {
    const first = guard();
    const { pid } = await first.ready();
    first.child.kill('SIGKILL');
    await first.exited;
    const second = guard();
    await second.ready();
    process.kill(pid, 'SIGKILL');
    expect(await second.exited).toBe(1);
  });

  test('of two on one data folder, the second waits for the first', async () => {
    const [first, second] = [guard(), guard()];
    const winner = await Promise.race([first.ready().then(() => first), second.ready().then(() => second)]);
    const loser = winner === first ? second : first;
    expect(loser.lines).toEqual([]);
    const { pid } = await winner.ready();
    await winner.stop();
    expect((await loser.ready()).pid).not.toBe(pid);
  });

  test('refuses a port that is none', async () => {
    const one = guard({ environment: { POSTGRES_PORT: 'http' } });
    expect(await one.exited).toBe(1);
    expect(one.lines.at(-1)?.msg).toBe('POSTGRES_PORT must be a port number, but is "http".');
  });
});

const nobody = { uid: 65534, gid: 65534 };

(isRoot() ? describe : describe.skip)('the guard of a plain user', () => {
  test('runs the server as that user', async () => {
    if (!(await canEnter(import.meta.dirname, nobody))) throw new Error('this checkout is closed to other users, so that the plain user cannot be tried here');
    dataDir = join(dataDir, 'plain');
    await mkdir(dataDir);
    await chown(dataDir, nobody.uid, nobody.gid);
    const one = guard({ user: nobody });
    const { url, pid } = await one.ready();
    expect(await query(url)).toBe(1);
    expect(await one.stop()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });
});
