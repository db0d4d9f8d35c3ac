import { judgeStoring, mediaTtlSettings } from '#core/http-cache';
import { describe, expect, test } from '@jest/globals';
import { CachedObject } from './cached-object.ts';
import { ObjectStore } from './object-store.ts';

const nothing = { field: () => undefined };

function object(key: string, size: number, language?: string): CachedObject {
  const request = { method: 'GET', target: key, field: (name: string) => (name === 'accept-language' ? language : undefined) };
  const fields: Array<[string, string]> = [['cache-control', 'max-age=60']];
  if (language !== undefined) fields.push(['vary', 'accept-language']);
  const verdict = judgeStoring(request, { status: 200, fields }, { requestTimeMs: 0, responseTimeMs: 0 }, mediaTtlSettings);
  if (!verdict.store) throw new Error(verdict.reason);
  return new CachedObject(key, verdict.response, { size, slice: () => ({ size: 0, slice: () => ({}) as never }) }, 0);
}

const asking = (language: string) => ({ field: (name: string) => (name === 'accept-language' ? language : undefined) });

describe('the object store', () => {
  const make = (bytesMax: number, variantsMax = 3): ObjectStore => new ObjectStore({ bytesMax, objectsMax: 1000, variantsMax });

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
    const { size } = store;
    expect([store.purgeAll(), store.size, store.bytes]).toEqual([size, 0, 0]);
  });
});
