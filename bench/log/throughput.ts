import { join } from 'node:path';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { quantile } from '../harness/index.ts';
import { BareLog, batchSize, partitions } from './bare-log.ts';
import { sampleRecord, sampleRecords } from './records.ts';

const topic = 'stream';

/** Rounds in which the two take turns, so that both meet the same weather. */
const rounds = 12;

/** Per second, the median of the rounds. */
export interface Measured {
  readonly log: number;
  readonly bare: number;
}

export interface Throughput {
  readonly batch: Measured;
  readonly single: Measured;
  readonly replay: Measured;
}

/** The event log and the bare database side by side. */
class Contest {
  readonly #log: SqliteEventLog;
  readonly #bare: BareLog;
  #sequence = 0n;

  constructor(folder: string) {
    this.#log = new SqliteEventLog({ path: join(folder, 'log.sqlite') }, { clock: new SystemClock() });
    this.#bare = new BareLog(join(folder, 'bare.sqlite'));
  }

  async open(): Promise<void> {
    await this.#log.ensureTopic(topic, partitions);
  }

  /** Appends the same records to both, `size` at a time: on the log under an idempotent producer, as the media app does. */
  async append(count: number, size: number): Promise<Measured> {
    const batches = Array.from({ length: Math.ceil(count / size) }, (_, at) => (size === 1 ? [sampleRecord(at)] : sampleRecords(size, at * size)));
    const log = await perSecond(batches.length * size, async () => {
      for (const records of batches) {
        await this.#log.append(topic, records, { producer: { id: 'bench', epoch: 1n, sequence: this.#sequence } });
        this.#sequence += BigInt(records.length);
      }
    });
    const bare = await perSecond(batches.length * size, () => batches.forEach((records) => this.#bare.append(records)));
    return { log, bare };
  }

  /** Reads a partition from the start, headers decoded. */
  async replay(partition: number): Promise<Measured> {
    const high = (await this.#log.heads(topic))[partition]?.high ?? 0n;
    const log = await perSecond(Number(high), async () => {
      for (let from = 0n; from < high;) from = (await this.#log.read(topic, partition, from, { recordsMax: batchSize, bytesMax: 4_000_000, waitMs: 0 })).next;
    });
    const bare = await perSecond(Number(high), () => {
      if (this.#bare.replay(partition) !== Number(high)) throw new Error('the two do not hold the same records');
    });
    return { log, bare };
  }

  async close(): Promise<void> {
    this.#bare.close();
    await this.#log.close();
  }
}

async function perSecond(count: number, work: () => Promise<void> | void): Promise<number> {
  const started = performance.now();
  await work();
  return (count / (performance.now() - started)) * 1000;
}

async function median(round: (at: number) => Promise<Measured>): Promise<Measured> {
  const measured: Measured[] = [];
  for (let at = 0; at < rounds; at++) measured.push(await round(at));
  return {
    log: quantile(
      measured.map(({ log }) => log),
      0.5,
    ),
    bare: quantile(
      measured.map(({ bare }) => bare),
      0.5,
    ),
  };
}

export async function measureThroughput(folder: string, quick: boolean): Promise<Throughput> {
  const contest = new Contest(folder);
  await contest.open();
  const batch = await median(() => contest.append(quick ? 8_000 : 25_000, batchSize));
  const single = await median(() => contest.append(quick ? 300 : 1_500, 1));
  const replay = await median((at) => contest.replay(at % partitions));
  await contest.close();
  return { batch, single, replay };
}
