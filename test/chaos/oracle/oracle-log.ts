import type { StoredRecord } from '#events';
import type { EventLog } from '#ports';

export const oracleTopic = 'oracle';
export const oraclePartitions = 6;

/** Everything in the log, partition by partition. */
export async function readEverything(log: EventLog): Promise<StoredRecord[][]> {
  const heads = await log.heads(oracleTopic);
  return Promise.all(
    heads.map(async ({ partition, low, high }) => {
      const records: StoredRecord[] = [];
      for (let from = low; from < high;) {
        const batch = await log.read(oracleTopic, partition, from, { recordsMax: 1000, bytesMax: 4_000_000, waitMs: 0 });
        records.push(...batch.records);
        from = batch.next;
      }
      return records;
    }),
  );
}

/** Reads along while things break, as a projection does: what it saw must be what is there in the end. */
export class LiveReader {
  readonly seen: StoredRecord[][] = Array.from({ length: oraclePartitions }, () => []);
  readonly #stop = new AbortController();
  readonly #loops: Promise<unknown>;

  constructor(log: EventLog) {
    this.#loops = Promise.all(this.seen.map((records, partition) => this.#follow(log, partition, records)));
  }

  async #follow(log: EventLog, partition: number, records: StoredRecord[]): Promise<void> {
    for (let from = 0n; !this.#stop.signal.aborted;) {
      try {
        const batch = await log.read(oracleTopic, partition, from, { recordsMax: 500, bytesMax: 1_000_000, waitMs: 1000 }, this.#stop.signal);
        records.push(...batch.records);
        from = batch.next;
      } catch (error) {
        if ((error as { retryable?: unknown }).retryable !== true) throw error;
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
  }
}
