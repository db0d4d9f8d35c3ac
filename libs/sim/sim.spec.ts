import { describe, expect, test } from '@jest/globals';
import { MemoryLeaseStore, MemoryProjectionStore } from '#adapters/memory';
import type { DomainEvent, LogRecord } from '#events';
import { Prng, type Projection } from '#kernel';
import { CheckedLeaseStore } from './checked-lease-store.ts';
import { CheckedProjectionStore } from './checked-projection-store.ts';
import { noFaults, type FaultPlan } from './fault-plan.ts';
import { SimEventLog } from './sim-event-log.ts';
import { SimNetwork } from './sim-network.ts';
import { SimProcess } from './sim-process.ts';
import { Simulation } from './simulation.ts';
import { Violations } from './violations.ts';

const never = (): boolean => false;

describe('simulated time', () => {
  test('runs steps in their order, those of one moment as they were asked for, and none that was called off', async () => {
    const simulation = new Simulation(1);
    const dice = new Prng(3);
    const ran: Array<readonly [ms: number, order: number]> = [];
    const start = simulation.now;
    for (let order = 0; order < 200; order++) {
      const ms = dice.nextInteger(0, 20);
      const callOff = simulation.after(ms, () => ran.push([ms, order]));
      if (order % 5 === 0) callOff();
      else simulation.after(ms, () => expect(simulation.now).toBe(start + ms));
    }
    expect(await simulation.runUntil(never, 10_000)).toBe(false);
    expect(ran).toEqual([...ran].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
    expect(ran).toHaveLength(160);
    expect(simulation.steps).toBe(320);
  });

  test('lets everything go on that can before time does', async () => {
    const simulation = new Simulation(1);
    const seen: number[] = [];
    simulation.after(1, () => void chain());
    simulation.after(1, () => seen.push(2));
    async function chain(): Promise<void> {
      for (let at = 0; at < 20; at++) await Promise.resolve();
      seen.push(1);
    }
    expect(await simulation.runUntil(() => seen.length === 2, 10)).toBe(true);
    expect(seen).toEqual([1, 2]);
  });
});

function processOf(simulation: Simulation, faults: FaultPlan, crashes: string[] = []): SimProcess {
  return new SimProcess({ simulation, faults: () => faults, onCrash: (point) => crashes.push(point) });
}

describe('a process', () => {
  test('that crashes never goes on, and says where', async () => {
    const simulation = new Simulation(1);
    const crashes: string[] = [];
    const process = processOf(simulation, { ...noFaults, crash: 1 }, crashes);
    process.after(5, () => crashes.push('it went on'));
    process.after(6, () => crashes.push('it went on'));
    await simulation.runUntil(never, 10);
    expect(crashes).toEqual(['timer']);
    expect(process.alive).toBe(false);
  });

  test('that stands still goes on later; a timer called off meanwhile stays off', async () => {
    const simulation = new Simulation(1);
    const process = processOf(simulation, { ...noFaults, pause: 1, pauseMsMax: 1000 });
    const ran: string[] = [];
    const start = simulation.now;
    process.after(5, () => ran.push('late'));
    const callOff = process.after(5, () => ran.push('off'));
    await simulation.runUntil(() => simulation.now > start, 10);
    callOff();
    await simulation.runUntil(() => ran.length > 0, 1000);
    expect(ran).toEqual(['late']);
    expect(simulation.now).toBeGreaterThan(start + 5);
  });
});

describe('the network', () => {
  async function calls(faults: Partial<FaultPlan>, silent: readonly string[] = []): Promise<{ readonly done: number; readonly outcome: string }> {
    const simulation = new Simulation(5);
    const network = new SimNetwork(simulation, () => ({ ...noFaults, ...faults }));
    const engine = { count: 0, add: async (by: number) => (engine.count += by) };
    const remote = network.remote(processOf(simulation, noFaults), engine, silent);
    let outcome = 'no answer';
    remote.add(2).then(
      (value) => (outcome = String(value)),
      (error: unknown) => (outcome = (error as { code: string }).code),
    );
    await simulation.runUntil(never, 100);
    return { done: engine.count, outcome };
  }

  test.each([
    ['carries a call', {}, [], { done: 2, outcome: '2' }],
    ['loses a request', { lostRequest: 1 }, [], { done: 0, outcome: 'CONNECTION_BROKEN' }],
    ['loses a reply', { lostReply: 1 }, [], { done: 2, outcome: 'CONNECTION_BROKEN' }],
    ['repeats a request', { duplicate: 1 }, [], { done: 4, outcome: '2' }],
    ['leaves a call unanswered', { silence: 1 }, ['add'], { done: 2, outcome: 'no answer' }],
    ['answers calls that have no timeout', { silence: 1 }, [], { done: 2, outcome: '2' }],
  ] as const)('%s', async (_what, faults, silent, expected) => {
    expect(await calls(faults, silent)).toEqual(expected);
  });
});

const record: LogRecord = { key: 'k', headers: {}, value: '1' };

test('a long read waits in simulated time, and is woken by an append or given up', async () => {
  const simulation = new Simulation(1);
  const log = new SimEventLog(simulation);
  await log.ensureTopic('t', 1);
  const start = simulation.now;
  const limits = { recordsMax: 10, bytesMax: 1000, waitMs: 5000 };
  const reads: Array<readonly [ms: number, records: number]> = [];
  const read = async (signal?: AbortSignal): Promise<void> => {
    const { records } = await log.read('t', 0, 0n, limits, signal);
    reads.push([simulation.now - start, records.length]);
  };
  const stop = new AbortController();
  void read(stop.signal);
  simulation.after(100, () => stop.abort());
  simulation.after(200, () => void read());
  simulation.after(300, () => void log.append('t', [record]));
  await simulation.runUntil(() => reads.length === 2, 100);
  expect(reads).toEqual([
    [100, 0],
    [300, 1],
  ]);
});

describe('the checks find', () => {
  const projection: Projection<DomainEvent> = {
    ...{ name: 'p', version: 1, contexts: ['edge'], handles: [], ignores: [], project: () => [] },
    tables: [{ name: 't', key: { id: 'text' }, columns: { n: { type: 'integer', join: 'max' } } }],
  };
  const at = { topic: 't', partition: 0 };

  /** Believes whatever it is told. */
  class GullibleStore extends MemoryProjectionStore {
    override async commitTogether(): Promise<void> {}
  }

  async function checked(): Promise<{ store: CheckedProjectionStore; violations: Violations }> {
    const simulation = new Simulation(1);
    const violations = new Violations();
    const log = new SimEventLog(simulation);
    await log.ensureTopic('t', 1);
    await log.append('t', [record, record, record]);
    const fold = (_: unknown, records: readonly unknown[]) => [{ table: 't', key: { id: 'x' }, set: { n: records.length } }];
    const store = new CheckedProjectionStore({ simulation, violations, log, fold, inner: new GullibleStore(simulation.clock) });
    await store.ensure(projection);
    return { store, violations };
  }

  const commit = (from: bigint, to: bigint, epoch = 1n, n = Number(to - from)) => ({
    ...{ projection, at, from, to, epoch },
    changes: [{ table: 't', key: { id: 'x' }, set: { n } }],
  });

  test.each([
    ['nothing where all is well', [commit(0n, 1n), commit(1n, 3n)], undefined],
    ['records that are applied twice', [commit(0n, 2n), commit(1n, 3n)], 'records 1 to 2 of p@1/t/0 were applied twice'],
    ['records that are passed over', [commit(0n, 1n), commit(2n, 3n)], 'records 1 to 2 of p@1/t/0 were passed over'],
    ['a zombie', [commit(0n, 1n, 0n)], 'p@1/t/0 took a commit of epoch 0 when 1 had begun: a zombie'],
    ['a batch that lacks a record', [commit(0n, 2n, 1n, 1)], 'the batch 0 to 2 of p@1/t/0 is not the fold of its records'],
  ])('%s', async (_what, commits, found) => {
    const { store, violations } = await checked();
    await store.claim(projection, at, 1n);
    for (const one of commits) await store.commit(one);
    expect(violations.first).toBe(found);
    expect(store.appliedTo(projection, at)).toBe(commits.at(-1)?.to);
  });

  test('a lease with two owners, and one that is given in an epoch of the past', async () => {
    const simulation = new Simulation(1);
    const good = new Violations();
    const leases = new CheckedLeaseStore(simulation, good);
    const lease = await leases.acquire('l', 'a', 100);
    expect(await leases.acquire('l', 'b', 100)).toBeUndefined();
    if (lease !== undefined) expect(await leases.renewAll([lease], 100)).toEqual([true]);
    if (lease !== undefined) await leases.release(lease);
    expect((await leases.acquire('l', 'b', 100))?.epoch).toBe(2n);
    expect(await leases.list('l')).toHaveLength(1);
    expect(good.first).toBeUndefined();

    const bad = new Violations();
    class Twice extends MemoryLeaseStore {
      override acquire = async (name: string, owner: string) => ({ name, owner, epoch: 1n });
    }
    const broken = new CheckedLeaseStore(simulation, bad, new Twice(simulation.clock));
    await broken.acquire('l', 'a', 100);
    await broken.acquire('l', 'b', 100);
    expect(bad.first).toBe('b was given the lease l that a holds');
  });
});
