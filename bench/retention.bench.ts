import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { FsBlobStore } from '#adapters/fs-blob';
import { SealedEventLog } from '#adapters/sealed-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import type { EventLog } from '#ports';
import { quantile, type Bench } from './harness/index.ts';
import { segmentEvents } from './retention/events.ts';

const topic = 'stream';
const partitions = 4;
const spareBytes = 4096 * 4096;
/** `appendTimes`: the p99 of an append meanwhile, beside the p99 before and after in the same run. */
const goals = { share: 0.8, sealing: 50_000, ratio: 5, appendTimes: 2 } as const;
const quietMs = 4000;

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

const appendThread = new URL('./retention/append-thread.main.js', import.meta.url);
const sealThread = new URL('./retention/seal-thread.main.js', import.meta.url);

let appended = 10_000_000;

/** Another thread appends one event every few ms until `work` is done. @returns how long each append took, ms */
async function whileAppending(path: string, work: () => Promise<void>): Promise<readonly number[]> {
  const thread = new Worker(appendThread, { workerData: { path, topic, from: appended } });
  const exited = once(thread, 'exit');
  await once(thread, 'message');
  await work();
  thread.postMessage('stop', []);
  const [took] = (await once(thread, 'message')) as [readonly number[]];
  await exited;
  appended += took.length + 1;
  return took;
}

interface Sealing {
  readonly path: string;
  readonly folder: string;
  readonly highs: readonly bigint[];
}

/** @returns how long it took, ms */
async function inSealThread(work: 'seal' | 'trim', sealing: Sealing): Promise<number> {
  const thread = new Worker(sealThread, { workerData: { ...sealing, topic, work } });
  const exited = once(thread, 'exit');
  const [tookMs] = (await once(thread, 'message')) as [number];
  await exited;
  return tookMs;
}

/** Appends while nothing else happens, while the past is sealed, while it is trimmed, and while nothing happens again. */
async function appends(sealing: Sealing): Promise<{ readonly sealMs: number; readonly p99: Readonly<Record<'quiet' | 'seal' | 'trim', number>> }> {
  const { path } = sealing;
  const quiet = [...(await whileAppending(path, () => sleep(quietMs)))];
  let sealMs = 0;
  const seal = await whileAppending(path, async () => {
    sealMs = await inSealThread('seal', sealing);
  });
  const trim = await whileAppending(path, async () => void (await inSealThread('trim', sealing)));
  quiet.push(...(await whileAppending(path, () => sleep(quietMs))));
  return { sealMs, p99: { quiet: quantile(quiet, 0.99), seal: quantile(seal, 0.99), trim: quantile(trim, 0.99) } };
}

export const bench: Bench = {
  name: 'retention',
  summary: 'sealing the past of the embedded log: rate, size, reading it through beside reading it hot, appends meanwhile',
  async run(context) {
    const base = await mkdtemp(join(tmpdir(), 'bench-retention-'));
    const path = join(base, 'events.sqlite');
    const folder = join(base, 'blobs');
    const hot = new SqliteEventLog({ path }, { clock: new SystemClock() });
    try {
      const count = context.quick ? 100_000 : 400_000;
      await hot.ensureTopic(topic, partitions);
      for (let n = 0; n < count; n += 1000) await hot.append(topic, segmentEvents(n, 1000));
      const blobs = await FsBlobStore.open({ folder });
      const log = new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });
      const hotRate = Math.max(await readAll(log), await readAll(log));
      const before = await sizeOf(path);
      const highs = (await hot.heads(topic)).map(({ high }) => high);
      const { sealMs, p99 } = await appends({ path, folder, highs });
      const sealRate = (count / sealMs) * 1000;
      const segments = (await log.allSealed()).flatMap((one) => one.segments);
      const [raw, sealed] = [segments.reduce((sum, one) => sum + one.rawBytes, 0), segments.reduce((sum, one) => sum + one.sizeBytes, 0)];
      const fresh = (): SealedEventLog => new SealedEventLog({}, { hot, blobs: () => Promise.resolve(blobs) });
      const sealedRate = Math.max(await readAll(fresh()), await readAll(fresh()));
      await hot.close();
      const after = await sizeOf(path);

      context.row('events', 'value', 'beside', '');
      context.row('sealed and verified, 1/s', sealRate, '', '');
      context.row('bytes per event in a segment', sealed / count, raw / count, `${(raw / sealed).toFixed(1)} x smaller`);
      context.row('read from segments, 1/s', sealedRate, hotRate, `${(sealedRate / hotRate).toFixed(2)} of hot`);
      context.row('append p99 while sealing, trimming, ms', p99.seal, p99.trim, `else ${p99.quiet.toFixed(2)}`);
      context.row('file of the log before, after, MB', before / 1e6, after / 1e6, '');
      context.bar('retention.seal', sealRate, '1/s', `>= ${goals.sealing}`, sealRate >= goals.sealing);
      context.bar('retention.ratio', raw / sealed, 'x', `>= ${goals.ratio}`, raw / sealed >= goals.ratio);
      context.bar('retention.read', sealedRate / hotRate, 'x', `>= ${goals.share}`, sealedRate / hotRate >= goals.share, hotRate);
      for (const [work, ms] of [['sealing', p99.seal] as const, ['trimming', p99.trim] as const])
        context.bar(
          `retention.append.p99.${work}`,
          ms / p99.quiet,
          'x',
          `<= ${goals.appendTimes} of not ${work}`,
          ms / p99.quiet <= goals.appendTimes,
          p99.quiet,
        );
      // Room for what comes next stays in the file.
      const left = Math.max(0, after - spareBytes) / before;
      context.bar('retention.file', left, 'x', '<= 0.2', left <= 0.2);
    } finally {
      await rm(base, { recursive: true, force: true });
    }
  },
};
