import { describe, expect, test } from '@jest/globals';
import type { Lease, LeaseStore } from '../lease-store.port.ts';
import { freshName, useSubject, type Subject, type SubjectFactory } from './subject.ts';

const ttlMs = 400;

/** What every lease store promises. */
export function leaseStoreConformance(name: string, factory: SubjectFactory<LeaseStore>): void {
  describe(`${name} is a lease store`, () => {
    const subject = useSubject(factory);
    acquiring(subject);
    keeping(subject);
    listing(subject);
  });
}

async function acquired(store: LeaseStore, name: string, owner: string, ttl = 60_000): Promise<Lease> {
  const lease = await store.acquire(name, owner, ttl);
  if (lease === undefined) throw new Error(`${owner} did not get ${name}`);
  return lease;
}

function acquiring(subject: () => Subject<LeaseStore>): void {
  test('one owner at a time', async () => {
    const { port } = subject();
    const name = freshName('lease');
    const lease = await acquired(port, name, 'a');
    expect(lease).toEqual({ name, owner: 'a', epoch: expect.any(BigInt) });
    expect(await port.acquire(name, 'b', 60_000)).toBeUndefined();
  });

  test('of many who race, one gets it', async () => {
    const { port } = subject();
    const name = freshName('lease');
    const got = await Promise.all(Array.from({ length: 10 }, (_, n) => port.acquire(name, `owner-${n}`, 60_000)));
    expect(got.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  test('an owner takes over from itself at once, in a greater epoch', async () => {
    const { port } = subject();
    const name = freshName('lease');
    const before = await acquired(port, name, 'a');
    const after = await acquired(port, name, 'a');
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(await port.renew(before, 60_000)).toBe(false);
    expect(await port.renew(after, 60_000)).toBe(true);
  });

  test('an epoch is greater than the one it has to be above, now and later', async () => {
    const { port } = subject();
    const name = freshName('lease');
    expect((await port.acquire(name, 'a', 60_000, 40n))?.epoch).toBe(41n);
    expect((await port.acquire(name, 'a', 60_000, 7n))?.epoch).toBe(42n);
    expect((await port.acquire(name, 'a', 60_000, 9_000_000_000_000_000n))?.epoch).toBe(9_000_000_000_000_001n);
    expect(await port.acquire(name, 'b', 60_000, 2n ** 60n)).toBeUndefined();
    expect((await acquired(port, name, 'a')).epoch).toBe(9_000_000_000_000_002n);
  });

  test('an expired lease is anybody’s, in a greater epoch', async () => {
    const { port, elapse } = subject();
    const name = freshName('lease');
    const before = await acquired(port, name, 'a', ttlMs);
    await elapse(ttlMs + 50);
    const after = await acquired(port, name, 'b');
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(await port.renew(before, 60_000)).toBe(false);
    await port.release(before);
    expect(await port.acquire(name, 'c', 60_000)).toBeUndefined();
  });

  test('a released lease is free at once, and epochs go on growing', async () => {
    const { port } = subject();
    const name = freshName('lease');
    const before = await acquired(port, name, 'a');
    await port.release(before);
    await port.release(before);
    expect(await port.renew(before, 60_000)).toBe(false);
    expect((await acquired(port, name, 'b')).epoch).toBeGreaterThan(before.epoch);
  });
}

function keeping(subject: () => Subject<LeaseStore>): void {
  test('many are renewed at once, each as it would be alone', async () => {
    const { port, elapse } = subject();
    const names = [freshName('lease'), freshName('lease'), freshName('lease')];
    const [kept, lost, released] = await Promise.all(names.map((name) => acquired(port, name, 'a', ttlMs)));
    if (kept === undefined || lost === undefined || released === undefined) throw new Error('three were acquired');
    await acquired(port, lost.name, 'a');
    await port.release(released);
    expect(await port.renewAll([released, kept, lost], 60_000)).toEqual([false, true, false]);
    await elapse(ttlMs + 50);
    expect(await port.acquire(kept.name, 'b', 60_000)).toBeUndefined();
    expect(await port.renewAll([], 60_000)).toEqual([]);
  });

  test('a renewed lease does not expire', async () => {
    const { port, elapse } = subject();
    const name = freshName('lease');
    const lease = await acquired(port, name, 'a', ttlMs);
    for (let n = 0; n < 3; n++) {
      await elapse(ttlMs / 2);
      expect(await port.renew(lease, ttlMs)).toBe(true);
    }
    expect(await port.acquire(name, 'b', 60_000)).toBeUndefined();
  });

  test('an expired lease that nobody took can still be renewed', async () => {
    const { port, elapse } = subject();
    const lease = await acquired(port, freshName('lease'), 'a', ttlMs);
    await elapse(ttlMs + 50);
    expect(await port.renew(lease, 60_000)).toBe(true);
    expect(await port.acquire(lease.name, 'b', 60_000)).toBeUndefined();
  });

  test('what is forgotten begins anew; another owner keeps what it has', async () => {
    const { port } = subject();
    const lease = await acquired(port, freshName('lease'), 'a');
    const again = await acquired(port, lease.name, 'a');
    await port.forget(lease);
    expect(await port.renew(again, 60_000)).toBe(true);
    await port.forget(again);
    expect(await port.renew(again, 60_000)).toBe(false);
    expect((await acquired(port, lease.name, 'b')).epoch).toBe(1n);
  });

  test('a lease that never was cannot be renewed or released', async () => {
    const { port } = subject();
    const lease: Lease = { name: freshName('lease'), owner: 'a', epoch: 1n };
    expect(await port.renew(lease, 60_000)).toBe(false);
    await port.release(lease);
    expect(await port.list(lease.name)).toEqual([]);
  });
}

function listing(subject: () => Subject<LeaseStore>): void {
  test('leases are listed by prefix; expired ones say so, released ones are gone', async () => {
    const { port, elapse } = subject();
    // The characters that LIKE and regular expressions treat specially stand for themselves.
    const prefix = `${freshName('pre%_.')}/`;
    const short = await acquired(port, `${prefix}short`, 'a', ttlMs);
    const long = await acquired(port, `${prefix}long`, 'b');
    await port.release(await acquired(port, `${prefix}released`, 'c'));
    await acquired(port, `x${prefix}elsewhere`, 'd');
    await elapse(ttlMs + 50);
    const listed = [...(await port.list(prefix))].sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(listed).toEqual([
      { ...long, expired: false },
      { ...short, expired: true },
    ]);
    expect(await port.list(`${prefix.replace('%', 'x')}`)).toEqual([]);
  });
}
