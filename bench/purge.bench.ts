import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { decodeEvent, encodeEvent, purgeApplied, purgeRequested, topicPartitions, type LogRecord } from '#events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchOrigin } from './edge/load.ts';
import { startEdge } from './edge/processes.ts';
import { quantile, type Bench } from './harness/index.ts';

const goalMs = 250;
const everyMs = 25;
const ids = new UuidV7IdSource();

function purge(purgeId: string, url: string): LogRecord {
  const data = { purgeId, urls: [url], reason: 'bench' };
  return encodeEvent({
    id: ids.next(),
    type: purgeRequested.type,
    version: 1,
    source: '/bench',
    subject: purgeId,
    time: Date.now(),
    key: purgeId,
    tenant: 'default',
    correlationId: purgeId,
    causationId: purgeId,
    traceparent: '',
    actor: 'key:bench',
    streamVersion: 1n,
    producerEpoch: 0n,
    data,
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sees every acknowledgement on the log, and when. */
async function watch(log: SqliteEventLog, seen: (purgeId: string) => void, signal: AbortSignal): Promise<void> {
  const follow = async (partition: number): Promise<void> => {
    for (let from = 0n; !signal.aborted;) {
      const batch = await log.read('cache', partition, from, { recordsMax: 1000, bytesMax: 1e6, waitMs: 1000 }, signal);
      from = batch.next;
      for (const record of batch.records) {
        const event = decodeEvent(record);
        if (event.type === purgeApplied.type) seen(event.data.purgeId);
      }
    }
  };
  await Promise.all(Array.from({ length: topicPartitions }, (_, partition) => follow(partition)));
}

/** A few hundred requests a second, so that purges meet an edge at work. */
async function lightLoad(port: number, signal: AbortSignal): Promise<void> {
  for (let at = 0; !signal.aborted; at++) {
    await Promise.all(
      Array.from({ length: 4 }, (_, client) => fetch(`http://127.0.0.1:${port}/bench/${(at + client) % 50}.m4s`).then((response) => response.arrayBuffer())),
    );
    await pause(10);
  }
}

export const bench: Bench = {
  name: 'purge',
  summary: 'from a purge handed to the log to its acknowledgement by a running edge on the log, under light load',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-purge-'));
    const origin = new BenchOrigin();
    const log = new SqliteEventLog({ path: join(folder, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    await log.ensureTopic('cache', topicPartitions);
    const edge = await startEdge(folder, await origin.listen(), 0);
    const stop = new AbortController();
    const askedMs = new Map<string, number>();
    const latencies: number[] = [];
    const watching = watch(log, (purgeId) => latencies.push(performance.now() - (askedMs.get(purgeId) ?? Number.NaN)), stop.signal);
    const loading = lightLoad(edge.port, stop.signal);
    try {
      const count = context.quick ? 200 : 600;
      for (let at = 0; at < count; at++) {
        askedMs.set(`pg-${at}`, performance.now());
        await log.append('cache', [purge(`pg-${at}`, `/bench/${at % 50}.m4s`)]);
        await pause(everyMs);
      }
      for (let waited = 0; latencies.length < count && waited < 10_000; waited += 20) await pause(20);
      const p99 = quantile(latencies, 0.99);
      context.row('purge requested to applied, ms', 'p50', 'p99', 'max');
      context.row(`${latencies.length} of ${count}`, quantile(latencies, 0.5), p99, quantile(latencies, 1));
      context.bar('purge.applied.p99', p99, 'ms', `<= ${goalMs}`, latencies.length === count && p99 <= goalMs);
    } finally {
      stop.abort();
      await Promise.allSettled([watching, loading]);
      await edge.stop();
      origin.close();
      await log.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
