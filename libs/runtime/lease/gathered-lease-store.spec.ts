import { expect, test } from '@jest/globals';
import { ManualClock, MemoryLeaseStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { OperatingError } from '#kernel';
import type { Lease } from '#ports';
import { leaseStoreConformance } from '#ports/conformance';
import { GatheredLeaseStore } from './gathered-lease-store.ts';

leaseStoreConformance('GatheredLeaseStore', async () => {
  const clock = new ManualClock();
  const port = new GatheredLeaseStore({ gatherMs: 1 }, new MemoryLeaseStore(clock));
  return { port, elapse: async (ms) => clock.advance(ms), dispose: async () => undefined };
});

/** Remembers what was renewed together. */
class WatchedLeases extends MemoryLeaseStore {
  readonly together: string[][] = [];
  away = false;

  override async renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]> {
    this.together.push(leases.map(({ name }) => name));
    if (this.away) throw new OperatingError('The database is away.', { code: 'DATABASE_UNAVAILABLE', retryable: true });
    return super.renewAll(leases, ttlMs);
  }
}

test('renews by one statement what comes together, and answers each for itself', async () => {
  const store = new WatchedLeases(new SystemClock());
  const gathered = new GatheredLeaseStore({ gatherMs: 5 }, store);
  const leases = (await Promise.all(['a', 'b', 'c'].map((name) => gathered.acquire(name, 'me', 60_000)))) as Lease[];
  await gathered.acquire('b', 'me', 60_000);
  expect(await Promise.all(leases.map((lease) => gathered.renew(lease, 60_000)))).toEqual([true, false, true]);
  expect(store.together).toEqual([['a', 'b', 'c']]);
  store.away = true;
  const settled = await Promise.allSettled(leases.map((lease) => gathered.renew(lease, 60_000)));
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  store.away = false;
  expect(await gathered.renew(leases[0] as Lease, 60_000)).toBe(true);
});
