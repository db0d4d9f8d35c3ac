import { LruIndex } from '#core/eviction';
import type { StoredResponse } from '#core/http-cache';
import { Prng } from '#kernel';
import { CachedObject } from '../apps/edge/cache/cached-object.ts';
import { createLedger } from '../apps/edge/cache/edge-cache.ts';
import { ObjectStore } from '../apps/edge/cache/object-store.ts';
import { DiskStore } from '../apps/edge/store/disk-store.ts';
import { checksum, diskInit } from '../apps/edge/store/open-disk.ts';
import { keptInMemory, MemoryFolder, bytesInMemory } from './edge-store/memory-folder.ts';
import type { Bench, BenchContext } from './harness/index.ts';

const objects = 20_000;
const bodyBytes = 8192;
const zipf = 0.9;
/** Of the requests, so many are for what nobody asks for again. */
const oneHits = 0.2;
const memoryShare = 1 / 8;
const far = 4_000_000_000_000;

/** Ranks drawn by Zipf's law, by bisection of the sums. */
function drawer(dice: Prng): () => number {
  const sums = new Float64Array(objects);
  let sum = 0;
  for (let rank = 0; rank < objects; rank++) sums[rank] = sum += 1 / (rank + 1) ** zipf;
  return () => {
    const wanted = dice.next() * sum;
    let [low, high] = [0, objects - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function trace(requests: number): string[] {
  const dice = new Prng(9);
  const draw = drawer(dice);
  return Array.from({ length: requests }, (_, at) => (dice.next() < oneHits ? `/once/${at}` : `/o/${draw()}`));
}

const response: StoredResponse = {
  status: 200,
  fields: [['etag', '"x"']],
  validators: { etag: '"x"', lastModified: undefined },
  freshness: { bornAtMs: 0, validatedAtMs: 0, freshUntilMs: far, staleWhileRevalidateUntilMs: far, staleIfErrorUntilMs: far, mayBeStale: true },
  variant: { names: [], values: [] },
};
const nothing = { field: () => undefined };
const body = new Uint8Array(bodyBytes);

/** Least recently used, all of it in one piece: what was asked for literally, and what most caches do. */
function lru(keys: readonly string[], bytesMax: number): number {
  const byKey = new Map<string, number>();
  const bySlot: string[] = [];
  const index = new LruIndex({ bytesMax, entriesMax: 1_000_000, onEvict: (slot) => byKey.delete(bySlot[slot] as string) });
  let hits = 0;
  for (const key of keys) {
    const slot = byKey.get(key);
    if (slot !== undefined) {
      hits++;
      index.touch(slot);
      continue;
    }
    const taken = index.admit(bodyBytes + 1024);
    bySlot[taken] = key;
    byKey.set(key, taken);
  }
  return hits / keys.length;
}

/** The edge's own store, memory and disk, as it runs; the disk is one that is in memory. */
async function edge(keys: readonly string[], bytesMax: number): Promise<{ readonly ratio: number; readonly written: number }> {
  const ledger = createLedger();
  const diskBytes = Math.floor(bytesMax * (1 - memoryShare));
  const init = {
    ...diskInit({ bytesMax: diskBytes, segmentBytes: Math.floor(diskBytes / 16) }),
    segmentBytes: Math.floor(diskBytes / 32),
    objectBytesMax: bodyBytes,
  };
  const deps = {
    folder: new MemoryFolder(),
    checksum,
    keep: keptInMemory,
    lend: keptInMemory,
    bytesOf: bytesInMemory,
    now: () => 1,
    newId: () => 'bench-store',
    ledger,
  };
  const disk = await DiskStore.open(init, { ...deps, onTrouble: (what) => console.error(what) });
  const store = new ObjectStore({ bytesMax: bytesMax - diskBytes, objectsMax: 1_000_000, variantsMax: 16, ledger, disk });
  let hits = 0;
  for (const [at, key] of keys.entries()) {
    const found = store.find(key, nothing) ?? (store.mayRecall(key) ? await store.recall(key, nothing) : undefined);
    if (found !== undefined) hits++;
    else store.put(new CachedObject({ key, labels: [], response, generation: 0 }, keptInMemory(body)));
    // The writer runs beside the requests, not behind all of them.
    if (at % 16 === 0) await disk.settled();
  }
  const { written } = disk.status();
  await disk.close();
  return { ratio: hits / keys.length, written: written / keys.length };
}

async function measure(context: BenchContext): Promise<void> {
  const keys = trace(context.quick ? 100_000 : 400_000);
  context.row(`zipf ${zipf}, ${oneHits * 100} % asked for once`, 'LRU, % hits', 'memory and disk tier, % hits', 'points', 'written, % of the requests');
  for (const share of [0.01, 0.1]) {
    const bytesMax = Math.floor(objects * share * (bodyBytes + 1024));
    const peer = lru(keys, bytesMax) * 100;
    const { ratio, written } = await edge(keys, bytesMax);
    const points = ratio * 100 - peer;
    context.row(`room for ${share * 100} % of ${objects} objects`, peer, ratio * 100, points, written * 100);
    context.bar(`edge.hit-ratio.${share * 100}`, points, 'points over LRU', '>= 4', points >= 4, peer);
  }
}

export const bench: Bench = {
  name: 'hit-ratio',
  summary: "hits of the edge's memory and disk tier together on a Zipf trace with one-hit noise, beside LRU with as many bytes",
  run: measure,
};
