import type { StoredResponse } from '#core/http-cache';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachedObject } from '../apps/edge/cache/cached-object.ts';
import { createLedger } from '../apps/edge/cache/edge-cache.ts';
import { DiskStore } from '../apps/edge/store/disk-store.ts';
import { openFolder } from '../apps/edge/store/file-folder.adapter.ts';
import { checksum, diskInit } from '../apps/edge/store/open-disk.ts';
import { BenchOrigin } from './edge/load.ts';
import { startEdge } from './edge/processes.ts';
import { bytesInMemory, keptInMemory } from './edge-store/memory-folder.ts';
import type { Bench, BenchContext } from './harness/index.ts';

const objects = 1_000_000;
const diskMb = 8192;
const restartGoalMs = 2000;
const body = new TextEncoder().encode('small');
const far = Date.now() + 86_400_000;
const response: StoredResponse = {
  status: 200,
  fields: [['content-type', 'text/plain']],
  validators: { etag: undefined, lastModified: undefined },
  freshness: {
    bornAtMs: Date.now(),
    validatedAtMs: Date.now(),
    freshUntilMs: far,
    staleWhileRevalidateUntilMs: far,
    staleIfErrorUntilMs: far,
    mayBeStale: true,
  },
  variant: { names: [], values: [] },
};

async function openStore(path: string, ledger = createLedger()): Promise<DiskStore> {
  const deps = { checksum, keep: keptInMemory, lend: keptInMemory, bytesOf: bytesInMemory, now: () => Date.now(), newId: randomUUID, ledger };
  return DiskStore.open(diskInit({ bytesMax: diskMb * 1024 * 1024, segmentBytes: 64 * 1024 * 1024 }), {
    ...{ ...deps, folder: await openFolder(path) },
    onTrouble: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
}

/** As the edge would have written them one by one. */
async function fill(path: string): Promise<number> {
  const ledger = createLedger();
  const store = await openStore(path, ledger);
  // What the ledger held was purged before these came.
  const { generation } = ledger;
  for (let at = 0; at < objects; at++) {
    store.used(new CachedObject({ key: `/bench/${at}`, labels: [], response, generation }, keptInMemory(body)));
    if (at % 1000 === 999) await store.settled();
  }
  await store.settled();
  const { objects: held } = store.status();
  await store.close();
  return held;
}

async function status(port: number, path: string): Promise<string> {
  const asking = request({ host: '127.0.0.1', port, path, agent: false }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.resume();
  return `${answer.statusCode} ${answer.headers['cache-status']}`;
}

async function measure(context: BenchContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-edge-store-'));
  const origin = new BenchOrigin();
  const env = { EDGE_DISK_DIR: join(folder, 'disk'), EDGE_DISK_MB: String(diskMb) };
  try {
    const originPort = await origin.listen();
    // The first start gives store and offsets their names.
    await (await startEdge(join(folder, 'edge'), originPort, 0, undefined, env)).stop();
    const path = join(folder, 'disk', 'edge-1');
    const filledMs = performance.now();
    const held = await fill(path);
    const perSecond = objects / ((performance.now() - filledMs) / 1000);
    const openedMs = performance.now();
    const store = await openStore(path);
    const openMs = performance.now() - openedMs;
    await store.close();
    const startedMs = performance.now();
    const edge = await startEdge(join(folder, 'edge'), originPort, 0, undefined, env);
    const answer = await status(edge.port, '/bench/424242');
    const warmMs = performance.now() - startedMs;
    await edge.stop();
    context.row(
      `${held} objects`,
      'written, 1/s',
      'index loaded, ms',
      'from the start of the process to a hit from the disk, ms',
      'the hit',
      'asked of the origin',
    );
    context.row('edge', perSecond, openMs, warmMs, answer, origin.fetches);
    const hit = answer.startsWith('200 edge-1; hit') && origin.fetches === 0 && held === objects;
    context.bar('edge.store.restart', warmMs, 'ms', `< ${restartGoalMs}`, hit && warmMs < restartGoalMs);
  } finally {
    origin.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  name: 'edge-store',
  summary: 'an edge with a million objects on its disk: from the start of its process to the first hit from there',
  run: measure,
};
