import { describe, expect, test } from '@jest/globals';
import { MemoryLeaseStore, MemoryProjectionStore } from '#adapters/memory';
import type { Lease, ProjectionCommit } from '#ports';
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
    expect(total(({ steps }) => steps)).toBeGreaterThanOrEqual(1_000_000);
    expect(total(({ events }) => events)).toBeGreaterThan(10_000);
    const points = new Set(done.flatMap(({ crashes }) => [...crashes.keys()]));
    const continuations = ['acquire', 'checkpoints', 'claim', 'commitTogether', 'ensure', 'ensureTopic', 'heads', 'list', 'read', 'release', 'renew', 'timer'];
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

describe('an engine that is broken on purpose is found out, with the line that shows it again', () => {
  const broken: ReadonlyArray<readonly [string, SimulatedEngines, RegExp]> = [
    ['a checkpoint that moves from anywhere', { store: (simulation) => new TrustingStore(simulation, 'position') }, /applied twice|passed over/],
    ['a checkpoint that knows no epochs', { store: (simulation) => new TrustingStore(simulation, 'epoch') }, /zombie/],
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
