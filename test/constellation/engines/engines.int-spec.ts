/** @needs redis s3 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { type LocalEngine, startPostgres, startRedis, startS3 } from './index.ts';

async function askRedis(url: string): Promise<string> {
  const { hostname, port, password } = new URL(url);
  const socket = connect(Number(port), hostname).end(`AUTH ${password}\r\nPING\r\n`);
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(socket, 'close');
  return said;
}

/** S3 answers a stranger with an error in its own words. */
async function askS3(url: string): Promise<string> {
  return (await (await fetch(url)).text()).includes('<Error>') ? 'S3' : 'something else';
}

async function askPostgres(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ answer: string }>("SELECT 'here' AS answer");
  await client.end();
  return rows[0]?.answer ?? '';
}

// Engines that somebody gives by URL are not ours to crash: what this machine brings is tried.
for (const name of ['REDIS_URL', 'S3_ENDPOINT', 'DATABASE_URL']) delete process.env[name];

const engines: ReadonlyArray<readonly [name: string, start: () => Promise<LocalEngine>, ask: (url: string) => Promise<string>, answer: string]> = [
  ['Redis', startRedis, askRedis, '+OK\r\n+PONG\r\n'],
  ['S3', startS3, askS3, 'S3'],
  ['PostgreSQL', startPostgres, askPostgres, 'here'],
];

test.each(engines)('%s starts, comes back at the same place after a crash, and goes', async (_name, start, ask, answer) => {
  const engine = await start();
  try {
    expect(Object.values(engine.env)).toContain(engine.url);
    expect(await ask(engine.url)).toBe(answer);
    await engine.restart(100);
    expect(await ask(engine.url)).toBe(answer);
  } finally {
    await engine.stop();
  }
  await expect(ask(engine.url)).rejects.toThrow();
});
