import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { decodeEvent, encodeEvent, purgeRequested } from '#events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from '../edge.fixture.ts';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.each<EdgeRuntime>(['bun', 'node'])('an edge of several processes, on %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    origin.says('/a.m4s', '200 OK\r\ncache-control: max-age=600', 'x');
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env: { EDGE_PROCESSES: '2' } });
  }, 30_000);

  afterAll(async () => {
    await edge.kill();
    await origin.close();
    await folder.remove();
  });

  /** Which process answers: each request comes on a connection of its own, which the kernel gives to either. */
  const answering = async (): Promise<string> => String((await edge.get('/a.m4s')).headers['cache-status']).split(';', 1)[0] as string;
  const serving = (name: string): number[] =>
    edge.lines.filter((line) => line['serving'] === true && String(line['msg']).startsWith(`edge ${name} `)).map((line) => line['pid'] as number);

  async function untilAllAnswer(): Promise<void> {
    const seen = new Set<string>();
    await until(async () => {
      seen.add(await answering());
      return seen.has('edge-1') && seen.has('edge-1.1');
    });
    expect([...seen].toSorted()).toEqual(['edge-1', 'edge-1.1']);
  }

  test('they share one port, and one of them fetches for all', async () => {
    await untilAllAnswer();
    expect(origin.count('/a.m4s')).toBe(1);
    expect(edge.lines.filter((line) => line['ready'] === true)).toHaveLength(1);
  });

  test('a purge is applied when each of them has said so', async () => {
    const log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    const purge = { urls: ['/a.m4s'], purgeId: 'pg-1', reason: 'test' };
    const envelope = {
      source: '/test',
      subject: 'pg-1',
      time: Date.now(),
      key: 'pg-1',
      tenant: 'default',
      correlationId: 'c',
      causationId: 'c',
      traceparent: '',
      actor: 'key:test',
    };
    const { type, version } = purgeRequested;
    await log.append('cache', [
      encodeEvent({ ...envelope, id: '0198f0c0-0000-7000-8000-000000000001', type, version, streamVersion: 1n, producerEpoch: 0n, data: purge }),
    ]);
    const applied = new Set<string>();
    await until(async () => {
      for (const { partition, low } of await log.heads('cache')) {
        const { records } = await log.read('cache', partition, low, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
        for (const event of records.map(decodeEvent)) if (event.type === 'purge.applied') applied.add(event.data.edgeId);
      }
      return applied.size === 2;
    });
    await log.close();
    expect([...applied].toSorted()).toEqual(['edge-1', 'edge-1.1']);
    const before = origin.count('/a.m4s');
    await untilAllAnswer();
    expect(origin.count('/a.m4s')).toBe(before + 1);
  });

  test('a thousand misses at once over all of them are one fetch, which each streams on as it comes', async () => {
    for (const path of ['/b.m4s', '/c.m4s', '/d.m4s']) {
      const released = Promise.withResolvers<void>();
      const body = path.repeat(20_000);
      origin.on(path, async ({ socket }) => {
        await released.promise;
        socket.write(`HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncache-tag: many\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
      const answers = Array.from({ length: 1000 }, () => edge.get(path));
      await until(() => origin.count(path) > 0);
      released.resolve();
      const got = await Promise.all(answers);
      expect(got.filter((answer) => answer.status !== 200 || answer.body !== body)).toEqual([]);
      expect(new Set(got.map(({ headers }) => String(headers['cache-status']).split(';', 1)[0])).size).toBe(2);
      expect(origin.count(path)).toBe(1);
    }
  });

  test('what a request changes at the origin is fetched anew by all', async () => {
    await untilAllAnswer();
    const before = origin.count('/a.m4s');
    await edge.get('/a.m4s', {}, 'POST', 'x');
    origin.says('/a.m4s', '200 OK\r\ncache-control: max-age=600', 'y');
    const bodies = await Promise.all(Array.from({ length: 40 }, async () => (await edge.get('/a.m4s')).body));
    expect(new Set(bodies)).toEqual(new Set(['y']));
    expect(origin.count('/a.m4s')).toBe(before + 2);
  });

  test('one that dies is started again while the other serves', async () => {
    const [victim = 0] = serving('edge-1.1');
    process.kill(victim, 'SIGKILL');
    await until(() => !isAlive(victim));
    expect(await answering()).toBe('edge-1');
    // Of these, some were for the dead one to fetch.
    for (let at = 0; at < 20; at++) {
      origin.says(`/e${at}.m4s`, '200 OK\r\ncache-control: max-age=600', String(at));
      expect((await edge.get(`/e${at}.m4s`)).body).toBe(String(at));
    }
    await until(() => serving('edge-1.1').length === 2);
    await untilAllAnswer();
  });

  test('have one witness together, under the name of the edge, whichever of them is asked', async () => {
    await untilAllAnswer();
    const keys = await Promise.all(Array.from({ length: 40 }, () => edge.get('/ledger/witness/v1/key')));
    expect(new Set(keys.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(keys[0]).toMatchObject({ status: 200, body: expect.stringMatching(/^edge\/edge-1\+/) });
    const handedIn = await Promise.all(Array.from({ length: 40 }, () => edge.get('/ledger/witness/v1/add-checkpoint', {}, 'POST', 'old 0\n\nnonsense')));
    expect(new Set(handedIn.map(({ status }) => status))).toEqual(new Set([400]));
  });

  test('all end with the one that started them', async () => {
    const pids = ['edge-1', 'edge-1.1'].flatMap(serving).filter(isAlive);
    expect(pids).toHaveLength(2);
    expect(await edge.kill('SIGTERM')).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});
