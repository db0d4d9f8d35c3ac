import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { nodeLedgerHash } from '#adapters/ledger';
import { FsBlobStore } from '#adapters/fs-blob';
import { SealedEventLog } from '#adapters/sealed-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import type { EventLog } from '#ports';
import type { Bench } from './harness/index.ts';
import { segmentEvents } from './retention/events.ts';

const topic = 'stream';
const partitions = 4;
const spareBytes = 4096 * 4096;
const goals = { share: 0.7, sealing: 25_000, ratio: 4, appendP99Ms: 20 } as const;

/** Reads everything, as a rebuild does: all partitions side by side. @returns events per second */
async function readAll(log: EventLog): Promise<number> {
  const begun = performance.now();
  const heads = await log.heads(topic);
  const counts = await Promise.all(
    heads.map(async ({ partition, low, high }) => {
      let count = 0;
      for (let at = low; at < high;) {
        const batch = await log.read(topic, partition, at, { recordsMax: 5000, bytesMax: 8_388_608, waitMs: 0 });
        count += batch.records.length;
        at = batch.next;
      }
      return count;
    }),
  );
  return (counts.reduce((sum, count) => sum + count, 0) / (performance.now() - begun)) * 1000;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

const appender = new URL('./retention/append-thread.main.js', import.meta.url);

/** Another thread appends one event every few ms until `work` is done. @returns the p99 of an append, ms */
async function whileAppending(path: string, work: () => Promise<void>): Promise<number> {
  const thread = new Worker(appender, { workerData: { path, topic } });
  await once(thread, 'message');
  await work();
  thread.postMessage('stop', []);
  const [p99] = (await once(thread, 'message')) as [number];
  await once(thread, 'exit');
  return p99;
}

export const bench: Bench = {
  name: 'retention',
  summary: 'sealing the past of the embedded log: rate, size, reading it through beside reading it hot, appends meanwhile',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-retention-'));
    const path = join(folder, 'events.sqlite');
    const hot = new SqliteEventLog({ path }, { clock: new SystemClock() });
    try {
      const count = context.quick ? 100_000 : 400_000;
      await hot.ensureTopic(topic, partitions);
      for (let n = 0; n < count; n += 1000) await hot.append(topic, segmentEvents(n, 1000));
      const blobs = await FsBlobStore.open({ folder: join(folder, 'blobs') });
      const log = new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });
      const hotRate = Math.max(await readAll(log), await readAll(log));
      const before = await sizeOf(path);

      const idleP99 = await whileAppending(path, () => sleep(2000));
      const appendGoal = Math.max(goals.appendP99Ms, 2 * idleP99);
      const sealer = log.sealer(1n, nodeLedgerHash);
      const highs = (await hot.heads(topic)).map(({ high }) => high);
      const range = { recordsMax: 200_000, charactersMax: 100_000_000, nowMs: Date.now(), leafOf: async () => 0, prove: async () => undefined };
      const begun = performance.now();
      const sealP99 = await whileAppending(path, async () => {
        for (const [partition, until] of highs.entries()) while ((await sealer.seal({ ...range, topic, partition, until })) !== undefined);
      });
      const sealRate = (count / (performance.now() - begun)) * 1000;
      const trimP99 = await whileAppending(path, async () => {
        for (const [partition, until] of highs.entries()) await sealer.trim(topic, partition, until);
      });
      const segments = (await log.allSealed()).flatMap((one) => one.segments);
      const [raw, sealed] = [segments.reduce((sum, one) => sum + one.rawBytes, 0), segments.reduce((sum, one) => sum + one.sizeBytes, 0)];
      const fresh = new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });
      const sealedRate = Math.max(await readAll(fresh), await readAll(new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) })));
      await hot.close();
      const after = await sizeOf(path);

      context.row('events', 'value', 'beside', '');
      context.row('sealed and verified, 1/s', sealRate, '', '');
      context.row('bytes per event in a segment', sealed / count, raw / count, `${(raw / sealed).toFixed(1)} x smaller`);
      context.row('read from segments, 1/s', sealedRate, hotRate, `${(sealedRate / hotRate).toFixed(2)} of hot`);
      context.row('append p99 while sealing, trimming, ms', sealP99, trimP99, `idle ${idleP99.toFixed(1)}`);
      context.row('file of the log before, after, MB', before / 1e6, after / 1e6, '');
      context.bar('retention.seal', sealRate, '1/s', `>= ${goals.sealing}`, sealRate >= goals.sealing);
      context.bar('retention.ratio', raw / sealed, 'x', `>= ${goals.ratio}`, raw / sealed >= goals.ratio);
      context.bar('retention.read', sealedRate / hotRate, 'x', `>= ${goals.share}`, sealedRate / hotRate >= goals.share, hotRate);
      context.bar('retention.append.p99.sealing', sealP99, 'ms', `<= ${goals.appendP99Ms}, or 2 x idle`, sealP99 <= appendGoal, idleP99);
      context.bar('retention.append.p99.trimming', trimP99, 'ms', `<= ${goals.appendP99Ms}, or 2 x idle`, trimP99 <= appendGoal, idleP99);
      // Room for what comes next stays in the file.
      const left = Math.max(0, after - spareBytes) / before;
      context.bar('retention.file', left, 'x', '<= 0.2', left <= 0.2);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
