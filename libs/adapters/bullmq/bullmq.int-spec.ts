/** @needs redis */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { jobQueueConformance } from '#ports/conformance';
import { endingPostgres, startPostgres, startRedis, type LocalEngine } from '../../../test/constellation/engines/index.ts';
import { BullmqJobQueue, postgresJobs, redisJobs } from './index.ts';

const elapse = (ms: number): Promise<void> => sleep(ms);
const quick = { lockMs: 1500, stalledMs: 500 };

jobQueueConformance('BullmqJobQueue on PostgreSQL', async () => {
  const server = await temporaryPostgres();
  const port = new BullmqJobQueue(postgresJobs({ url: server.url }));
  return { port, elapse, dispose: () => port.close().then(() => server.stop()) };
});

jobQueueConformance('BullmqJobQueue on Redis', async () => {
  const engine = await startRedis();
  const port = new BullmqJobQueue(redisJobs(engine.url));
  return { port, elapse, dispose: () => port.close().then(() => engine.stop()) };
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

/** A process that takes one job, says so, and never finishes it. */
async function stuckWorker(backend: 'postgres' | 'redis', url: string, kind: string): Promise<ChildProcess> {
  const child = fork(new URL('./stuck-worker.fixture.js', import.meta.url), [backend, url, kind]);
  await once(child, 'message');
  return child;
}

test('a server that ends as it becomes ready fails what is asked of the queue, and not the process', async () => {
  const ending = await endingPostgres();
  const queue = new BullmqJobQueue(postgresJobs({ url: ending.url }));
  const worker = await queue.work({ kind: 'ending', concurrency: 1 }, async () => undefined);
  // A worker that asks again and again without a pause would leave no time for any of this.
  for (let tries = 0; tries < 5; tries++) {
    await expect(queue.add([{ kind: 'ending', id: 'ef-1' }])).rejects.toMatchObject({ code: 'JOBS_UNAVAILABLE' });
    await sleep(20);
  }
  await worker.stop();
  await queue.close();
  await ending.close();
});

describe.each(['postgres', 'redis'] as const)('bad weather on %s', (backend) => {
  let engine: LocalEngine;
  let queue: BullmqJobQueue;

  beforeAll(async () => {
    engine = await (backend === 'postgres' ? startPostgres() : startRedis());
    queue = new BullmqJobQueue(backend === 'postgres' ? postgresJobs({ url: engine.url }) : redisJobs(engine.url), quick);
  });
  afterAll(async () => {
    await queue.close();
    await engine.stop();
  });

  test('a job of a worker that was killed is handed to another', async () => {
    await queue.add([{ kind: 'orphan', id: 'ef-1' }]);
    const child = await stuckWorker(backend, engine.url, 'orphan');
    child.kill('SIGKILL');
    const seen: string[] = [];
    const worker = await queue.work({ kind: 'orphan', concurrency: 1 }, async (id) => void seen.push(id));
    await until(() => seen.length > 0);
    await worker.stop();
    expect(seen).toEqual(['ef-1']);
  });

  test('workers go on when the engine was away, and what it lost can be added again', async () => {
    const seen = new Set<string>();
    const worker = await queue.work({ kind: 'away', concurrency: 2 }, async (id) => void seen.add(id));
    await queue.add([{ kind: 'away', id: 'ef-before' }]);
    await until(() => seen.has('ef-before'));
    await engine.restart(500);
    await until(async () => {
      await queue.add([{ kind: 'away', id: 'ef-after' }]).catch(() => undefined);
      return seen.has('ef-after');
    });
    await worker.stop();
  });

  test('an engine that is not there is one clear, retryable error', async () => {
    const nowhere = new BullmqJobQueue(
      backend === 'postgres' ? postgresJobs({ url: 'postgresql://u:secret@127.0.0.1:1/x' }) : redisJobs('redis://:secret@127.0.0.1:1'),
    );
    const refusal = await nowhere.add([{ kind: 'no', id: 'ef-1' }]).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'JOBS_UNAVAILABLE', retryable: true });
    expect(JSON.stringify(refusal)).not.toContain('secret');
    await nowhere.close();
  });

  test('a flushed Redis gets back what is added again', async () => {
    if (backend === 'postgres') return expect(await queue.depth('flushed')).toBe(0);
    const seen: string[] = [];
    const worker = await queue.work({ kind: 'flushed', concurrency: 1 }, async (id) => void seen.push(id));
    const plain = new Redis(engine.url);
    await plain.flushall();
    await plain.script('FLUSH');
    plain.disconnect();
    await queue.add([{ kind: 'flushed', id: 'ef-1' }]);
    await until(() => seen.length === 1);
    await worker.stop();
    return expect(await queue.depth('flushed')).toBe(0);
  });
});
