import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { FsBlobStore } from '#adapters/fs-blob';
import { nodeLedgerHash } from '#adapters/ledger';
import { SealedEventLog } from '#adapters/sealed-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { niceness } from '../../apps/projector/replay/niceness.constants.ts';

/** Seals, or trims, a log as the projector does: in a thread of its own, which gives way to others. Tells how long that took, ms. */
const { path, folder, topic, work, highs } = workerData as {
  readonly path: string;
  readonly folder: string;
  readonly topic: string;
  readonly work: 'seal' | 'trim';
  readonly highs: readonly bigint[];
};
if (process.platform === 'linux') setPriority(0, niceness);
// The log's own timers keep no thread from ending.
const alive = setInterval(() => undefined, 1000);
const hot = new SqliteEventLog({ path }, { clock: new SystemClock() });
const blobs = await FsBlobStore.open({ folder });
const sealer = new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) }).sealer(1n, nodeLedgerHash);
const range = { recordsMax: 200_000, charactersMax: 100_000_000, nowMs: Date.now(), leafOf: async () => 0, prove: async () => undefined };
const begun = performance.now();
for (const [partition, until] of highs.entries()) {
  if (work === 'trim') await sealer.trim(topic, partition, until);
  else while ((await sealer.seal({ ...range, topic, partition, until })) !== undefined);
}
const tookMs = performance.now() - begun;
await hot.close();
clearInterval(alive);
parentPort?.postMessage(tookMs, []);
