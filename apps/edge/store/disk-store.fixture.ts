import { judgeStoring, mediaTtlSettings, type Field, type PurgeLedger } from '#core/http-cache';
import { CachedObject } from '../cache/cached-object.ts';
import { createLedger } from '../cache/edge-cache.ts';
import type { StoredBytes } from '../server/exchange.ts';
import { DiskStore, type DiskStoreDeps, type DiskStoreInit } from './disk-store.ts';
import { checksum } from './open-disk.ts';
import type { StoreFolder } from './store-folder.ts';

export const nothing = { field: () => undefined };
export const asking = (language: string) => ({ field: (name: string) => (name === 'accept-language' ? language : undefined) });

interface Bytes extends StoredBytes {
  readonly bytes: Uint8Array;
}

export const keep = (bytes: Uint8Array): StoredBytes =>
  ({ size: bytes.length, bytes, slice: (start: number, end: number) => keep(bytes.subarray(start, end)) }) as Bytes;
export const bytesOf = async (stored: StoredBytes): Promise<Uint8Array> => (stored as Bytes).bytes;
export const textOf = (object: CachedObject | undefined): string | undefined =>
  object === undefined ? undefined : new TextDecoder().decode((object.body as Bytes).bytes);

export interface Wanted {
  readonly generation?: number;
  readonly language?: string;
  readonly control?: string;
  readonly nowMs?: number;
}

/** An object as a fill makes it. */
export function object(key: string, body: string, { control = 'max-age=3600', generation = 0, language, nowMs = 0 }: Wanted = {}): CachedObject {
  const request = { method: 'GET', target: key, ...asking(language ?? '') };
  const fields: Field[] = [
    ['cache-control', control],
    ['etag', `"${body.slice(0, 20)}"`],
  ];
  if (language !== undefined) fields.push(['vary', 'accept-language']);
  const verdict = judgeStoring(request, { status: 200, fields }, { requestTimeMs: nowMs, responseTimeMs: nowMs }, mediaTtlSettings);
  if (!verdict.store) throw new Error(verdict.reason);
  return new CachedObject({ key, labels: [], response: verdict.response, generation }, keep(new TextEncoder().encode(body)));
}

export const smallInit: DiskStoreInit = {
  bytesMax: 512 * 1024,
  segmentBytes: 64 * 1024,
  objectsMax: 500,
  ghostsMax: 1000,
  objectBytesMax: 32 * 1024,
  lifetimeMinMs: 10_000,
  journalBytesMax: 4096,
  readTimeoutMs: 250,
  pauseMs: 1000,
  faultsMax: 5,
};

let ids = 0;

export interface OpenStore {
  readonly store: DiskStore;
  readonly ledger: PurgeLedger;
  readonly troubles: string[];
}

export async function openStore(folder: StoreFolder, init: Partial<DiskStoreInit> = {}, more: Partial<DiskStoreDeps> = {}): Promise<OpenStore> {
  const kept: { store?: DiskStore } = {};
  const ledger = createLedger((entry) => kept.store?.journal.append(entry));
  const troubles: string[] = [];
  const store = await DiskStore.open(
    { ...smallInit, ...init },
    {
      ...{ folder, checksum, keep, lend: keep, bytesOf, now: () => 0, ledger },
      newId: () => `id-${++ids}-xxxxxxxx`,
      onTrouble: (what) => troubles.push(what),
      ...more,
    },
  );
  kept.store = store;
  return { store, ledger, troubles };
}
