/** @needs redis openssl */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openEngines } from '#adapters/engines';
import { MemoryRateLimiter } from '#adapters/memory';
import type { RateLimiter } from '#ports';
import { rateLimiterConformance, type RateLimiterSubject, type Subject } from '#ports/conformance';
import { type LocalEngine, startRedis } from '../../../test/constellation/engines/index.ts';
import { FailSoftRateLimiter } from './fail-soft-rate-limiter.adapter.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisRateLimiter } from './redis-rate-limiter.adapter.ts';

let engine: LocalEngine;
const opened: RedisConnection[] = [];
beforeAll(async () => {
  engine = await startRedis();
});
afterAll(async () => {
  for (const connection of opened) await connection.close();
  await engine.stop();
});

async function open(url = engine.url): Promise<RedisConnection> {
  const connection = await RedisConnection.open({ url });
  opened.push(connection);
  return connection;
}

const nowhere = 'redis://127.0.0.1:1';
const failSoft = (connection: RedisConnection, onChange: (error: unknown) => void, restMs = 50): FailSoftRateLimiter =>
  new FailSoftRateLimiter({ restMs, onChange }, { shared: new RedisRateLimiter(connection), local: new MemoryRateLimiter() });

const subject = (limiter: RateLimiter): Subject<RateLimiterSubject> => ({
  port: { limiter, now: () => Date.now() },
  elapse: (ms) => sleep(ms + 5),
  dispose: async () => {},
});

rateLimiterConformance('RedisRateLimiter', async () => subject(new RedisRateLimiter(await open())));
rateLimiterConformance('FailSoftRateLimiter with its Redis', async () => subject(failSoft(await open(), () => undefined)));
rateLimiterConformance('FailSoftRateLimiter without a Redis', async () => subject(failSoft(await open(nowhere), () => undefined)));

const slow = { limit: 5, windowMs: 600_000 };

describe('many processes on one Redis', () => {
  test('get the limit together, whatever their clocks say', async () => {
    const limiters = await Promise.all([0, 1, 2].map(async () => new RedisRateLimiter(await open())));
    const decisions = await Promise.all(limiters.flatMap((limiter) => Array.from({ length: 4 }, () => limiter.take('together', 1, slow))));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(5);
  });

  test('leave no key behind whose limit is whole again', async () => {
    const plain = new Redis(engine.url);
    await new RedisRateLimiter(await open()).take('short', 1, { limit: 10, windowMs: 500 });
    expect(await plain.keys('streams:rate:short')).toHaveLength(1);
    await sleep(100);
    expect(await plain.keys('streams:rate:short')).toEqual([]);
    plain.disconnect();
  });
});

describe('bad weather', () => {
  test('a flushed Redis, its scripts forgotten too, gives a whole limit again and nothing fails', async () => {
    const limiter = new RedisRateLimiter(await open());
    await limiter.take('flushed', 5, slow);
    expect((await limiter.take('flushed', 1, slow)).allowed).toBe(false);
    const plain = new Redis(engine.url);
    await plain.flushall();
    await plain.script('FLUSH');
    plain.disconnect();
    expect(await limiter.take('flushed', 1, slow)).toMatchObject({ allowed: true, remaining: 4 });
  });

  test('a Redis that goes away is done without, and is shared again when it is back', async () => {
    const changes: unknown[] = [];
    const limiter = failSoft(await open(), (error) => changes.push(error));
    const take = (): Promise<{ allowed: boolean }> => limiter.take('away', 1, slow, Date.now());
    expect((await take()).allowed).toBe(true);
    const back = engine.restart(600);
    await sleep(200);
    const meanwhile = await Promise.all(Array.from({ length: 8 }, take));
    expect(meanwhile.filter(({ allowed }) => allowed)).toHaveLength(5); // this process's own count
    expect(changes).toEqual([expect.objectContaining({ code: 'REDIS_UNAVAILABLE', retryable: true })]);
    await back;
    for (let tries = 0; changes.length < 2 && tries < 100; tries++, await sleep(100)) await take();
    expect(changes).toHaveLength(2);
    expect(changes[1]).toBeUndefined();
  });

  test('the engine that the settings choose says when counting changes, once each way', async () => {
    const said: Array<readonly [string, unknown]> = [];
    const settings = { logPath: '', blobPath: '', databaseUrl: undefined, redisUrl: engine.url };
    const engines = await openEngines({ ...settings, onWaiting: (words, error) => said.push([words, error]) }, 'limits');
    const take = (): Promise<{ allowed: boolean }> => engines.limiter.take('chosen', 1, { limit: 1000, windowMs: 1000 }, Date.now());
    const back = engine.restart(300);
    for (let tries = 0; said.length < 2 && tries < 200; tries++, await sleep(50)) expect((await take()).allowed).toBe(true);
    await back;
    await engines.close();
    expect(said).toEqual([
      ['Redis does not answer; each process counts limits for itself', expect.objectContaining({ code: 'REDIS_UNAVAILABLE' })],
      ['Redis is back; limits are counted there again', undefined],
    ]);
  });

  test('a wrong password is one clear sentence, without the password', async () => {
    const { hostname, port } = new URL(engine.url);
    const limiter = new RedisRateLimiter(await open(`redis://:wrong-secret@${hostname}:${port}`));
    const refusal = await limiter.take('x', 1, slow).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'REDIS_REFUSED', retryable: false, message: expect.stringContaining('Check REDIS_URL') });
    expect(inspect(refusal, { depth: 9 })).not.toContain('wrong-secret');
  });

  test('a Redis that says nothing holds up one call, not all', async () => {
    const plain = new Redis(engine.url);
    const changes: unknown[] = [];
    const limiter = failSoft(await open(), (error) => changes.push(error), 5000);
    await limiter.take('silent', 1, slow, Date.now());
    await plain.call('CLIENT', 'PAUSE', '3000', 'ALL');
    expect((await limiter.take('silent', 1, slow, Date.now())).allowed).toBe(true);
    expect(changes).toEqual([expect.objectContaining({ code: 'REDIS_UNAVAILABLE' })]);
    // Redis is still silent: these come from here.
    for (let count = 0; count < 4; count++) expect((await limiter.take('silent', 1, slow, Date.now())).allowed).toBe(true);
    expect((await limiter.take('silent', 1, slow, Date.now())).allowed).toBe(false);
    plain.disconnect();
  });
});

describe('over TLS', () => {
  test('a server is trusted by its certificate, and refused without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'redis-tls-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const subjectName = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...subjectName], {
      stdio: 'ignore',
    });
    const secure = await startRedis({ tls: { key, certificate } });
    try {
      const ask = `import('#adapters/redis').then(async ({ RedisConnection, RedisRateLimiter }) => {
        const redis = await RedisConnection.open({ url: '${secure.url}' });
        const said = await new RedisRateLimiter(redis).take('tls', 1, { limit: 5, windowMs: 60000 }).catch((error) => error.message);
        console.log(JSON.stringify(said));
        await redis.close();
      })`;
      const run = (env: Record<string, string>): unknown =>
        JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', ask], { env: { ...process.env, ...env }, encoding: 'utf8' }));
      expect(run({ NODE_EXTRA_CA_CERTS: certificate })).toMatchObject({ allowed: true });
      expect(run({})).toContain('self-signed certificate');
    } finally {
      await secure.stop();
      await rm(folder, { recursive: true });
    }
  });
});
