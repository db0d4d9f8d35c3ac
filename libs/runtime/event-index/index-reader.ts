import type { Context, StoredRecord } from '#events';
import type { EventLog, IndexBatch, IndexedEvent, IndexPosition, ReadLimits } from '#ports';
import { indexedEventOf } from './indexed-event.ts';

export interface IndexReaderInit {
  readonly topics: readonly Context[];
  readonly positions: readonly IndexPosition[];
  readonly epoch: bigint;
}

/** Records read for one batch, shared out among the partitions that have some. */
const batchRecords = 20_000;
const recordsAtOnce = { min: 200, max: 4000 };
const readsAtOnce = 8;

/** A partition being read on. */
interface Lane {
  readonly topic: Context;
  readonly partition: number;
  /** Everything before is in the index. */
  position: bigint;
  /** Where the log is read on. */
  readFrom: bigint;
  high: bigint;
  /** Read, but later than what another partition may still bring. */
  buffer: readonly StoredRecord[];
}

/**
 * Reads all partitions together in the order in which the log recorded them: what one of them has read waits until no other
 * can bring anything older. So neighbours in time are neighbours in the index, also while it is made anew from the beginning.
 */
export class IndexReader {
  readonly #init: IndexReaderInit;
  readonly #log: EventLog;
  readonly #lanes = new Map<string, Lane>();

  constructor(init: IndexReaderInit, log: EventLog) {
    this.#init = init;
    this.#log = log;
  }

  /** The next batch; undefined when the log has nothing more now. */
  async next(): Promise<IndexBatch | undefined> {
    await this.#look();
    const lanes = [...this.#lanes.values()];
    const hungry = lanes.filter(({ buffer, readFrom, high }) => buffer.length === 0 && readFrom < high);
    const recordsMax = Math.min(recordsAtOnce.max, Math.max(recordsAtOnce.min, Math.floor(batchRecords / Math.max(1, hungry.length))));
    const limits = { recordsMax, bytesMax: 4_194_304, waitMs: 0 };
    for (let at = 0; at < hungry.length; at += readsAtOnce) await Promise.all(hungry.slice(at, at + readsAtOnce).map((lane) => this.#fill(lane, limits)));
    return this.#take(lanes, horizonOf(lanes));
  }

  async #look(): Promise<void> {
    for (const topic of this.#init.topics) {
      for (const { partition, low, high } of await this.#log.heads(topic)) {
        const name = `${topic}/${partition}`;
        const lane = this.#lanes.get(name) ?? this.#open(topic, partition);
        this.#lanes.set(name, lane);
        lane.high = high;
        // What retention has taken away before it was read is passed over.
        if (lane.buffer.length === 0 && lane.readFrom < low) lane.readFrom = low;
      }
    }
  }

  #open(topic: Context, partition: number): Lane {
    const position = this.#init.positions.find((each) => each.topic === topic && each.partition === partition)?.position ?? 0n;
    return { topic, partition, position, readFrom: position, high: position, buffer: [] };
  }

  async #fill(lane: Lane, limits: ReadLimits): Promise<void> {
    const { records, next } = await this.#log.read(lane.topic, lane.partition, lane.readFrom, limits);
    lane.buffer = records;
    lane.readFrom = next;
  }

  #take(lanes: readonly Lane[], horizon: number): IndexBatch | undefined {
    const events: IndexedEvent[] = [];
    const moves = lanes.flatMap((lane) => {
      const cut = lane.buffer.findIndex(({ recordedAt }) => recordedAt > horizon);
      const taken = cut < 0 ? lane.buffer : lane.buffer.slice(0, cut);
      for (const record of taken) {
        const event = indexedEventOf(lane.topic, record);
        if (event !== undefined) events.push(event);
      }
      const from = lane.position;
      lane.buffer = lane.buffer.slice(taken.length);
      lane.position = lane.buffer[0]?.offset ?? lane.readFrom;
      return lane.position === from ? [] : [{ topic: lane.topic, partition: lane.partition, from, to: lane.position }];
    });
    if (moves.length === 0) return undefined;
    return { epoch: this.#init.epoch, moves, events: events.sort((a, b) => a.recordedAt - b.recordedAt) };
  }
}

/** The time up to which nothing older can come: the end of what was read of the partition that is the furthest back. */
function horizonOf(lanes: readonly Lane[]): number {
  let horizon = Infinity;
  for (const { buffer, readFrom, high } of lanes) if (readFrom < high) horizon = Math.min(horizon, buffer.at(-1)?.recordedAt ?? -Infinity);
  return horizon;
}
