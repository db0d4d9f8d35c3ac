import { expect, test } from '@jest/globals';
import { PostgresSecretStore } from './postgres-secret-store.adapter.ts';
import { openPostgres } from './postgres-subject.fixture.ts';

test('of many who ask first all get the same secret, and another name has another', async () => {
  const { database, dispose } = await openPostgres();
  const secrets = await Promise.all(Array.from({ length: 8 }, () => new PostgresSecretStore(database).secret('tokens')));
  const store = new PostgresSecretStore(database);
  expect(new Set(secrets.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1);
  expect(secrets[0]).toHaveLength(32);
  expect(await store.secret('tokens')).toEqual(secrets[0]);
  expect(await store.secret('other')).not.toEqual(secrets[0]);
  await dispose();
});
