import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { JobHandler, JobQueue, JobWorker } from '../job-queue.port.ts';
import { freshName, useSubject, type Subject, type SubjectFactory } from './subject.ts';

/** What every queue of jobs promises. */
export function jobQueueConformance(name: string, factory: SubjectFactory<JobQueue>): void {
  describe(`${name} is a queue of jobs`, () => {
    const subject = useSubject(factory);
    handing(subject);
    ending(subject);
  });
}

const freshKind = (): string => freshName('kind').replaceAll('_', '-');

/** Waits for what happens in its own time; the runner's limit ends what never does. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(5);
}

/** A worker that notes what it was handed, and lets each job go when it is told to. */
function gatedWorker(): { readonly handle: JobHandler; readonly seen: string[]; open(): void; active(): number; most(): number } {
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  let active = 0;
  let most = 0;
  return {
    seen,
    handle: async (id) => {
      seen.push(id);
      most = Math.max(most, ++active);
      await gate.promise;
      active--;
    },
    open: () => gate.resolve(),
    active: () => active,
    most: () => most,
  };
}

function handing(subject: () => Subject<JobQueue>): void {
  test('jobs are handed to workers, each once, those added before the worker came too', async () => {
    const { port } = subject();
    const kind = freshKind();
    const seen: string[] = [];
    await port.add([
      { kind, id: 'ef-1' },
      { kind, id: 'ef-2' },
    ]);
    const worker = await port.work({ kind, concurrency: 2 }, async (id) => void seen.push(id));
    await port.add([{ kind, id: 'ef-3' }]);
    await until(() => seen.length === 3);
    await until(async () => (await port.depth(kind)) === 0);
    await worker.stop();
    expect(seen.toSorted()).toEqual(['ef-1', 'ef-2', 'ef-3']);
  });

  test('a job that waits or is under way is not doubled; one that was done can come again', async () => {
    const { port } = subject();
    const kind = freshKind();
    const gated = gatedWorker();
    const job = { kind, id: 'ef-1' };
    await port.add([job, job]);
    await port.add([job]);
    expect(await port.depth(kind)).toBe(1);
    const worker = await port.work({ kind, concurrency: 4 }, gated.handle);
    await until(() => gated.active() === 1);
    await port.add([job]);
    gated.open();
    await until(async () => (await port.depth(kind)) === 0);
    expect(gated.seen).toEqual(['ef-1']);
    await port.add([job]);
    await until(() => gated.seen.length === 2);
    await worker.stop();
    expect(gated.seen).toEqual(['ef-1', 'ef-1']);
  });

  test('kinds do not meet, and a worker has no more under way than it may', async () => {
    const { port } = subject();
    const [kind, other] = [freshKind(), freshKind()];
    const gated = gatedWorker();
    await port.add(Array.from({ length: 9 }, (_, at) => ({ kind, id: `ef-${at}` })));
    await port.add([{ kind: other, id: 'ef-0' }]);
    const worker = await port.work({ kind, concurrency: 3 }, gated.handle);
    await until(() => gated.active() === 3);
    gated.open();
    await until(async () => (await port.depth(kind)) === 0);
    await worker.stop();
    expect(gated.seen).toHaveLength(9);
    expect(gated.most()).toBe(3);
    expect(await port.depth(other)).toBe(1);
  });

  test('two workers share the jobs, and none gets what the other has', async () => {
    const { port } = subject();
    const kind = freshKind();
    const [one, two] = [gatedWorker(), gatedWorker()];
    const workers: JobWorker[] = [];
    for (const { handle } of [one, two]) workers.push(await port.work({ kind, concurrency: 1 }, handle));
    await port.add(Array.from({ length: 2 }, (_, at) => ({ kind, id: `ef-${at}` })));
    await until(() => one.active() === 1 && two.active() === 1);
    one.open();
    two.open();
    await until(async () => (await port.depth(kind)) === 0);
    await Promise.all(workers.map((worker) => worker.stop()));
    expect([...one.seen, ...two.seen].toSorted()).toEqual(['ef-0', 'ef-1']);
  });
}

function ending(subject: () => Subject<JobQueue>): void {
  test('a job whose handler throws is gone, and its worker goes on', async () => {
    const { port } = subject();
    const kind = freshKind();
    const seen: string[] = [];
    const worker = await port.work({ kind, concurrency: 1 }, async (id) => {
      seen.push(id);
      if (id === 'ef-bad') throw new Error('no');
    });
    await port.add([{ kind, id: 'ef-bad' }]);
    await until(async () => seen.length === 1 && (await port.depth(kind)) === 0);
    await port.add([
      { kind, id: 'ef-bad' },
      { kind, id: 'ef-good' },
    ]);
    await until(async () => seen.length === 3 && (await port.depth(kind)) === 0);
    await worker.stop();
    expect(seen.toSorted()).toEqual(['ef-bad', 'ef-bad', 'ef-good']);
  });

  test('a worker that stops finishes what it has, and leaves the rest to others', async () => {
    const { port } = subject();
    const kind = freshKind();
    const gated = gatedWorker();
    const first = await port.work({ kind, concurrency: 1 }, gated.handle);
    expect(first.alive).toBe(true);
    await port.add([
      { kind, id: 'ef-1' },
      { kind, id: 'ef-2' },
    ]);
    await until(() => gated.active() === 1);
    const stopped = first.stop();
    gated.open();
    await stopped;
    expect(gated.active()).toBe(0);
    expect(first.alive).toBe(false);
    const seen: string[] = [];
    const second = await port.work({ kind, concurrency: 1 }, async (id) => void seen.push(id));
    await until(() => seen.length + gated.seen.length === 2);
    await second.stop();
    expect([...gated.seen, ...seen].toSorted()).toEqual(['ef-1', 'ef-2']);
  });
}
