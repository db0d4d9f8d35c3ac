import { describe, expect, test } from '@jest/globals';
import { MemoryLeaseStore, MemoryProjectionStore } from '#adapters/memory';
import type { Lease, ParkedEvent, ParkedEvents, ProjectionCommit, RedriveCommit } from '#ports';
import type { Simulation } from '#sim';
import { simulateHosts, type SimulatedEngines, type SimulatedRun } from './simulated-hosts.fixture.ts';

const stepsPerSeed = 20_000;
const wanted = process.env['SIM_SEED'];
/** 52 runs are a little more than a million steps; one run when a seed is given. */
const seeds = wanted === undefined ? Array.from({ length: 52 }, (_, at) => at + 1) : [Number(wanted)];
const done: SimulatedRun[] = [];

test.each(seeds)('hosts that crash, pause and lose replies apply every event once, and lose no lease (seed %i)', async (seed) => {
  done.push(await simulateHosts(seed, stepsPerSeed));
});

if (wanted === undefined) {
  test('that was a million steps, and a crash at every kind of continuation', () => {
    const total = (count: (run: SimulatedRun) => number): number => done.reduce((sum, run) => sum + count(run), 0);
    const [steps, crashes] = [total((run) => run.steps), total((run) => [...run.crashes.values()].reduce((sum, count) => sum + count, 0))];
    // What is for people goes there (scripts/test/jest-run.ts).
    process.stderr.write(`${steps} steps on ${done.length} seeds, ${crashes} crashes\n`);
    expect(steps).toBeGreaterThanOrEqual(1_000_000);
    expect(total(({ events }) => events)).toBeGreaterThan(10_000);
    const points = new Set(done.flatMap(({ crashes }) => [...crashes.keys()]));
    expect(total(({ poison }) => poison.parked)).toBeGreaterThan(100);
    expect(total(({ poison }) => poison.redriven)).toBeGreaterThan(100);
    expect(total(({ poison }) => poison.discarded)).toBeGreaterThan(10);
    const ofHosts = [
      'acquire',
      'checkpoints',
      'claim',
      'commitTogether',
      'ensure',
      'ensureTopic',
      'heads',
      'list',
      'read',
      'release',
      'renew',
      'renewAll',
      'timer',
    ];
    const continuations = [...ofHosts, 'blocking', 'commit', 'ordered', 'redrive'];
    expect(continuations.filter((point) => !points.has(point))).toEqual([]);
  });
}

test('a seed is the whole story: it runs the same again', async () => {
  const [one, other, another] = [await simulateHosts(7, 4000), await simulateHosts(7, 4000), await simulateHosts(8, 4000)];
  expect(one.digest).toBe(other.digest);
  expect(one.digest).not.toBe(another.digest);
});

/** Takes every commit as if it went on from where the checkpoint stands, in the epoch that is. */
class TrustingStore extends MemoryProjectionStore {
  readonly trusts: 'position' | 'epoch';

  constructor(simulation: Simulation, trusts: 'position' | 'epoch') {
    super(simulation.clock);
    this.trusts = trusts;
  }

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    await super.commitTogether(
      commits.map((commit) => {
        const { topic, partition } = commit.at;
        const stored = this.checkpointsNow().find((one) => one.topic === topic && one.partition === partition);
        if (stored === undefined) return commit;
        if (this.trusts === 'epoch') return { ...commit, epoch: stored.epoch };
        return { ...commit, from: stored.position, to: commit.to > stored.position ? commit.to : stored.position };
      }),
    );
  }
}

/** Gives a lease to whoever asks, and says that it is still theirs. */
class GenerousLeaseStore extends MemoryLeaseStore {
  override async acquire(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const [held] = await this.list(name);
    if (held !== undefined) await super.release(held);
    return super.acquire(name, owner, ttlMs);
  }
}

/** Forgets what a commit sets aside. */
class ForgetfulStore extends MemoryProjectionStore {
  override commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    return super.commitTogether(commits.map((commit) => ({ ...commit, holds: undefined })));
  }
}

/** Takes every redrive as if it went on from where the queue stands, in the epoch that is. */
class CredulousStore extends MemoryProjectionStore {
  override async redrive(commit: RedriveCommit): Promise<void> {
    const { projection, at, offset } = commit;
    const stored = await this.parked.show({ projection: projection.name, version: projection.version, ...at, offset });
    await super.redrive({ ...commit, from: stored?.state === 'parked' ? stored.next : commit.from });
  }
}

/** Tells the next owner of a partition something else of what is blocked. */
function telling(parked: ParkedEvents, other: (blocking: readonly ParkedEvent[]) => readonly ParkedEvent[]): ParkedEvents {
  return new Proxy(parked, {
    get: (target, name) => {
      if (name === 'blocking')
        return async (...args: Parameters<ParkedEvents['blocking']>): Promise<readonly ParkedEvent[]> => other(await target.blocking(...args));
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (...args: readonly unknown[]): unknown => Reflect.apply(member, target, args) : member;
    },
  });
}

describe('an engine that is broken on purpose is found out, with the line that shows it again', () => {
  const broken: ReadonlyArray<readonly [string, SimulatedEngines, RegExp]> = [
    ['a checkpoint that moves from anywhere', { store: (simulation) => new TrustingStore(simulation, 'position') }, /applied twice|passed over/],
    ['a checkpoint that knows no epochs', { store: (simulation) => new TrustingStore(simulation, 'epoch') }, /zombie/],
    ['a commit that forgets what it set aside', { store: (simulation) => new ForgetfulStore(simulation.clock) }, /is not the fold|not parked|never taken/],
    ['a redrive that goes on from anywhere', { store: (simulation) => new CredulousStore(simulation.clock) }, /instead of|not the fold/],
    ['blocked keys that the next owner does not know of', { parked: (parked) => telling(parked, () => []) }, /is not the fold of its records/],
    [
      'blocked keys that hold back every tenant’s events',
      { parked: (parked) => telling(parked, (blocking) => blocking.map((one) => ({ ...one, tenant: undefined }))) },
      /is not the fold of its (records|queue)/,
    ],
    ['a lease that two are given', { leases: (simulation) => new GenerousLeaseStore(simulation.clock) }, /was given the lease/],
  ];
  test.each(broken)('%s', async (_what, engines, found) => {
    const failures: string[] = [];
    for (let seed = 1; seed <= 10 && failures.length === 0; seed++)
      await simulateHosts(seed, stepsPerSeed, engines).catch((error: unknown) => failures.push((error as Error).message));
    expect(failures[0]).toMatch(found);
    expect(failures[0]).toMatch(/Again: SIM_SEED=\d+ npm test -- sim consumer-host$/);
  });
});
