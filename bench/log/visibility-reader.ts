import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { setTimeout as sleep } from 'node:timers/promises';

const [path, count, idleMs] = process.argv.slice(2) as [string, string, string];
const topic = 'stream';
const wanted = Number(count);
const latencies: number[] = [];

const log = new SqliteEventLog({ path }, { clock: new SystemClock() });
const partitions = (await log.heads(topic)).length;

async function follow(partition: number): Promise<void> {
  for (let from = 0n; latencies.length < wanted;) {
    const batch = await log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 4_000_000, waitMs: 60_000 });
    const now = performance.timeOrigin + performance.now();
    for (const { headers } of batch.records) latencies.push(now - Number(headers['sent']));
    from = batch.next;
  }
}

const followers = Promise.race(Array.from({ length: partitions }, (_, partition) => follow(partition)));
await sleep(1_000);
const before = process.cpuUsage();
await sleep(Number(idleMs));
const used = process.cpuUsage(before);
process.send?.([(used.user + used.system) / 1000 / Number(idleMs)]);
await followers;
process.send?.(latencies, () => process.exit(0));
