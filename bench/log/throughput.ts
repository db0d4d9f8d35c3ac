import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { countPerSecond } from '../harness/index.ts';
import type { Rates } from './bare-log.ts';
import { sampleRecords } from './records.ts';

const topic = 'stream';
const partitions = 12;
const batchSize = 1000;

/** Appends under an idempotent producer, as the media app does. */
export async function measureAppends(path: string, batched: number, single: number): Promise<Rates> {
  const log = new SqliteEventLog({ path }, { clock: new SystemClock() });
  await log.ensureTopic(topic, partitions);
  const producer = (sequence: number) => ({ producer: { id: 'bench', epoch: 1n, sequence: BigInt(sequence) } });
  const batches = Array.from({ length: batched / batchSize }, (_, at) => sampleRecords(batchSize, at * batchSize));
  const batch = await countPerSecond(batched, async () => {
    for (const [at, records] of batches.entries()) await log.append(topic, records, producer(at * batchSize));
  });
  const one = sampleRecords(single);
  const alone = await countPerSecond(single, async () => {
    for (const [at, record] of one.entries()) await log.append(topic, [record], producer(batched + at));
  });
  await log.close();
  return { batch, single: alone };
}

/** Reads all partitions from the start, headers decoded. */
export async function measureReplay(path: string): Promise<number> {
  const log = new SqliteEventLog({ path }, { clock: new SystemClock() });
  const heads = await log.heads(topic);
  const total = heads.reduce((sum, { low, high }) => sum + Number(high - low), 0);
  let count = 0;
  const rate = await countPerSecond(total, async () => {
    for (const { partition, high } of heads) {
      for (let from = 0n; from < high; ) {
        const batch = await log.read(topic, partition, from, { recordsMax: batchSize, bytesMax: 4_000_000, waitMs: 0 });
        for (const record of batch.records) if (record.headers['ce_producerepoch'] === '3') count += 1;
        from = batch.next;
      }
    }
  });
  await log.close();
  if (count !== total) throw new Error(`replay saw ${count} of ${total} records`);
  return rate;
}
