/** @needs openssl */
import { execFileSync } from 'node:child_process';
import { chmod, chown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { runMigrations } from '#migrations';
import { Database } from './database.ts';

let server: TemporaryPostgres;
let certificate = '';

/** The embedded server as a cluster's: with a certificate of its own. */
beforeAll(async () => {
  server = await temporaryPostgres();
  const admin = new Database({ url: server.url, connectionsMax: 1 });
  const folder = String((await admin.run({ text: 'SHOW data_directory' })).rows[0]?.[0]);
  const key = join(folder, 'server.key');
  certificate = join(folder, 'server.crt');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...subject], {
    stdio: 'ignore',
  });
  const { uid, gid } = await stat(folder);
  for (const file of [key, certificate]) await chown(file, uid, gid);
  await chmod(key, 0o600);
  await admin.run({ text: 'ALTER SYSTEM SET ssl = on' });
  await admin.run({ text: 'SELECT pg_reload_conf()' });
  await admin.close();
});
afterAll(() => server.stop());

async function encryption(query: string): Promise<unknown> {
  const url = `${server.url}?${query}`;
  const database = new Database({ url, connectionsMax: 1 });
  try {
    return (await database.read({ text: 'SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()' })).rows[0]?.[0];
  } finally {
    await database.close();
  }
}

test('DATABASE_URL says whether and how the connection is encrypted', async () => {
  expect(await encryption('sslmode=disable')).toBe('false');
  expect(await encryption('sslmode=no-verify')).toBe('true');
  expect(await encryption(`sslmode=verify-full&sslrootcert=${certificate}`)).toBe('true');
});

test('migrations go the same way', async () => {
  await runMigrations(`${server.url}?sslmode=verify-full&sslrootcert=${certificate}`);
  expect(await encryption('sslmode=no-verify')).toBe('true');
});

test('a server that cannot prove who it is, is refused', async () => {
  await expect(encryption('sslmode=verify-full')).rejects.toMatchObject({
    code: 'DATABASE_FAILED',
    retryable: false,
    message: expect.stringContaining('self-signed'),
  });
});
