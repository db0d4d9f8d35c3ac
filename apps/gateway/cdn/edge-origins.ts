import { edgeRegistered, topicPartitions } from '#events';
import { partitionOf } from '#kernel';
import type { Clock, EventLog } from '#ports';
import { originOf } from '#runtime';

/** Edges report every few seconds; an edge that is up has said something in this time, ms. */
const lookBackMs = 60_000;
const limits = { recordsMax: 5_000, bytesMax: 4_194_304, waitMs: 0 };
const { context: topic } = edgeRegistered;

/** Tells which edges another region's log speaks of: their reports are copies, and what is asked of them gets there by its mirror. */
export class EdgeOrigins {
  readonly #log: EventLog;
  readonly #clock: Clock;

  constructor(log: EventLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Names of regions by edges that are up; edges of this region are left out. */
  async of(edgeIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const heads = edgeIds.length === 0 ? [] : await this.#log.heads(topic);
    const wanted = new Set(edgeIds.map((id) => partitionOf(id, topicPartitions)));
    const origins = new Map<string, string>();
    const own = new Set<string>();
    for (const { partition, low, high } of heads.filter((head) => wanted.has(head.partition))) {
      const start = await this.#log.offsetAt(topic, partition, this.#clock.now() - lookBackMs);
      for (let from = start < low ? low : start; from < high;) {
        const { records, next } = await this.#log.read(topic, partition, from, limits);
        for (const record of records) {
          const origin = originOf(record);
          if (origin === undefined) own.add(record.key);
          else origins.set(record.key, origin);
        }
        if (next <= from) break;
        from = next;
      }
    }
    // Two edges of one name are one edge to everybody here: the one that can be waited for counts.
    for (const id of own) origins.delete(id);
    return origins;
  }
}
