import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { quantile } from '../harness/index.ts';
import { sampleRecord } from './records.ts';

export interface Visibility {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** CPU of a process that waits for records that do not come, as a share of one core. */
  readonly idleCpuShare: number;
}

const idleMs = 2_000;
const topic = 'stream';

async function answer(child: ChildProcess): Promise<number[]> {
  const [message] = (await once(child, 'message')) as [number[]];
  return message;
}

/** Appends one record after the other while another process waits for them in every partition. */
export async function measureVisibility(path: string, count: number): Promise<Visibility> {
  const log = new SqliteEventLog({ path }, { clock: new SystemClock() });
  await log.ensureTopic(topic, 12);
  const child = fork(new URL('./visibility-reader.js', import.meta.url), [path, `${count}`, `${idleMs}`]);
  try {
    const [idleCpuShare] = await answer(child);
    const latencies = answer(child);
    for (let n = 0; n < count; n++) {
      const record = sampleRecord(n);
      const sentAt = performance.timeOrigin + performance.now();
      await log.append(topic, [{ ...record, headers: { ...record.headers, sent: `${sentAt}` } }]);
      await sleep(Math.random() * 4);
    }
    const samples = await latencies;
    return { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99), max: quantile(samples, 1), idleCpuShare: idleCpuShare ?? Number.NaN };
  } finally {
    child.kill();
    await log.close();
  }
}
