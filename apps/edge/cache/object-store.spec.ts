import { judgeStoring, mediaTtlSettings, PurgeLedger, purgeTargets } from '#core/http-cache';
import { describe, expect, test } from '@jest/globals';
import { CachedObject } from './cached-object.ts';
import type { DiskTier } from '../store/disk-tier.ts';
import { ObjectStore } from './object-store.ts';

const nothing = { field: () => undefined };

function object(key: string, size: number, language?: string, labels: readonly number[] = []): CachedObject {
  const request = { method: 'GET', target: key, field: (name: string) => (name === 'accept-language' ? language : undefined) };
  const fields: Array<[string, string]> = [['cache-control', 'max-age=60']];
  if (language !== undefined) fields.push(['vary', 'accept-language']);
  const verdict = judgeStoring(request, { status: 200, fields }, { requestTimeMs: 0, responseTimeMs: 0 }, mediaTtlSettings);
  if (!verdict.store) throw new Error(verdict.reason);
  return new CachedObject({ key, labels, response: verdict.response, generation: 0 }, { size, slice: () => ({ size: 0, slice: () => ({}) as never }) });
}

const asking = (language: string) => ({ field: (name: string) => (name === 'accept-language' ? language : undefined) });

/** A disk on which one object lies under every key that is asked for, and which notes what for. */
function fullDisk(asked: string[]): DiskTier {
  return {
    mayHold: () => true,
    recallNow: (key, _request, stays) => (asked.push(`${key} ${stays ? 'stays' : 'goes'}`), object(key, 1000)),
    recall: async () => undefined,
    filled: () => undefined,
    used: () => undefined,
    forget: () => undefined,
    purge: () => 0,
    purgeAll: () => 0,
    flush: async () => undefined,
    status: () => ({ state: 'on', reason: undefined, objects: 0, bytes: 0, bytesMax: 0, segments: 0, hits: 0, written: 0, faults: 0 }),
  };
}

describe('the object store', () => {
  const ledgerOf = (): PurgeLedger => new PurgeLedger({ marksMax: 100, patternsMax: 10, compile: () => () => false });
  const make = (bytesMax: number, variantsMax = 3, ledger = ledgerOf()): ObjectStore => new ObjectStore({ bytesMax, objectsMax: 1000, variantsMax, ledger });

  test.each([
    // The one that was asked for moves to the front of LRU; SIEVE spares it once, and the oldest that nobody asked for goes.
    ['lru', ['/2', '/0']],
    ['sieve', ['/2', '/0']],
  ] as const)('from a full memory goes what %s says', (eviction, asked) => {
    const store = new ObjectStore({ bytesMax: 10_000, objectsMax: 1000, variantsMax: 3, ledger: ledgerOf(), eviction });
    const left = (): string[] => Array.from({ length: 5 }, (_none, at) => `/${at}`).filter((key) => store.has(key));
    for (let at = 0; at < 4; at++) store.put(object(`/${at}`, 1000));
    expect(left()).toEqual(['/0', '/1', '/2', '/3']);
    for (const key of asked) store.find(key, nothing);
    store.put(object('/4', 1000));
    expect(left()).toEqual(['/0', '/2', '/3', '/4']);
    // By the time of use /2 is now the oldest but /3; by use at all it is not.
    store.put(object('/5', 1000));
    expect([store.has('/2'), store.has('/3')]).toEqual([true, false]);
    store.find('/4', nothing);
    store.put(object('/6', 1000));
    expect(store.has('/2')).toBe(eviction === 'sieve');
  });

  test('what is put in is found, until it is purged', () => {
    const store = make(1e6);
    const a = object('/a', 10);
    expect(store.put(a)).toBe(true);
    expect(store.find('/a', nothing)).toBe(a);
    expect([store.find('/b', nothing), store.has('/a'), store.holds(a)]).toEqual([undefined, true, true]);
    expect([store.purge('/a'), store.purge('/a')]).toEqual([1, 0]);
    expect([store.size, store.bytes, store.holds(a), store.has('/a')]).toEqual([0, 0, false, false]);
    store.remove(a);
  });

  test('the same variant is replaced, others stay; the oldest of too many goes', () => {
    const store = make(1e6);
    for (const language of ['de', 'en', 'fr', 'de']) store.put(object('/a', 10, language));
    expect(store.size).toBe(3);
    store.put(object('/a', 10, 'it'));
    expect(['de', 'en', 'fr', 'it'].map((language) => store.find('/a', asking(language)) !== undefined)).toEqual([true, false, true, true]);
    expect(store.purge('/a')).toBe(3);
    expect(store.bytes).toBe(0);
  });

  test('it never holds more than nine tenths of its bound, arriving bytes included', () => {
    const store = make(100_000);
    for (let at = 0; at < 200; at++) {
      store.put(object(`/o/${at}`, 2000));
      expect(store.bytes).toBeLessThanOrEqual(90_000);
    }
    expect(store.reserve(80_000)).toBe(true);
    expect([store.bytes <= 90_000, store.size < 4]).toEqual([true, true]);
    expect(store.reserve(20_000)).toBe(false);
    expect(store.put(object('/late', 20_000))).toBe(false);
    store.release(80_000);
    expect(store.put(object('/late', 20_000))).toBe(true);
  });

  test('what comes from the disk at once stays in memory the second time only, and what was purged does not come', () => {
    const ledger = ledgerOf();
    const asked: string[] = [];
    const store = new ObjectStore({ bytesMax: 1e6, objectsMax: 1000, variantsMax: 3, ledger, disk: fullDisk(asked) });
    expect([store.recallNow('/a', nothing)?.key, store.size, store.find('/a', nothing)]).toEqual(['/a', 0, undefined]);
    const second = store.recallNow('/a', nothing);
    expect([second === undefined, store.size, store.find('/a', nothing) === second]).toEqual([false, 1, true]);
    // Many others later, it is as if it had never come.
    store.recallNow('/b', nothing);
    for (let at = 0; at < 2000; at++) store.recallNow(`/o/${at}`, nothing);
    store.recallNow('/b', nothing);
    expect(asked.filter((one) => !one.startsWith('/o/'))).toEqual(['/a goes', '/a stays', '/b goes', '/b goes']);
    ledger.purge(purgeTargets.key('/c'));
    expect([store.recallNow('/c', nothing), store.recallNow('/d', nothing)?.key]).toEqual([undefined, '/d']);
    ledger.purge(purgeTargets.key('/d'), { atMs: 20_000 });
    expect(store.recallNow('/d', nothing)).toBeUndefined();
  });

  test('what is purged is not found, although it is still there, until it is reclaimed in steps; what is softly purged is stale', () => {
    const ledger = ledgerOf();
    const hit: number[] = [];
    const store = new ObjectStore({ bytesMax: 1e6, objectsMax: 1000, variantsMax: 3, ledger, onPurged: (generation) => hit.push(generation) });
    for (let at = 0; at < 10; at++) store.put(object(`/o/${at}`, 10, undefined, [at % 2]));
    ledger.purge(purgeTargets.label(0));
    expect([store.find('/o/0', nothing), store.find('/o/1', nothing)?.key, store.size]).toEqual([undefined, '/o/1', 9]);
    expect([store.reclaim(0, 5), store.reclaim(5, 5), store.size, hit]).toEqual([5, undefined, 5, [1, 1, 1, 1, 1]]);
    ledger.purge(purgeTargets.label(1), { atMs: 20_000 });
    expect(store.find('/o/1', nothing)?.response.freshness).toMatchObject({ freshUntilMs: 20_000 });
    expect([store.find('/o/1', nothing)?.key, hit.length]).toEqual(['/o/1', 6]);
    ledger.purge(purgeTargets.all);
    expect([store.reclaim(0, 1000), store.size, store.bytes]).toEqual([undefined, 0, 0]);
  });
});
