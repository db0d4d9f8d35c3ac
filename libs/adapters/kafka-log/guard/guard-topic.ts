import type { LogRecord } from '#events';
import { partitionOf } from '#kernel';
import type { Cluster, TopicView } from '../cluster/cluster.ts';
import { latest, listOffsets } from '../cluster/offsets.ts';
import type { Topics } from '../cluster/topics.ts';
import { BrokerRefusal, refusalOf } from '../kafka-log.errors.ts';
import { readChunk, type Chunk } from '../read/chunk.ts';
import type { Fetcher } from '../read/fetcher.ts';
import type { TransactionPart } from './transactional-producer.ts';

const partitions = 12;
const fetchBytes = 1_048_576;
/** Longer than a transaction that nobody ends may hold up what comes behind it. */
const readWithinMs = 20_000;
/** The state of a guard that is as if it had never been. */
const forgotten = '';

interface Indexed {
  next: bigint;
  readonly offsets: Map<string, bigint>;
  reading: Promise<void>;
}

/** The newest state of every guard, kept by the log itself: a compacted topic, written in the transactions it guards. */
export class GuardTopic {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #topics: Topics;
  readonly #fetcher: Fetcher;
  /** Where the newest state of each guard stands, as far as it was read. */
  readonly #index = Array.from({ length: partitions }, (): Indexed => ({ next: 0n, offsets: new Map(), reading: Promise.resolve() }));
  #made: Promise<TopicView> | undefined;

  constructor(name: string, deps: { readonly cluster: Cluster; readonly topics: Topics; readonly fetcher: Fetcher }) {
    this.name = name;
    this.#cluster = deps.cluster;
    this.#topics = deps.topics;
    this.#fetcher = deps.fetcher;
  }

  /** Makes the topic when it is not there. Small segments, because the one being written is never compacted. */
  async ensure(): Promise<TopicView> {
    this.#made ??= this.#topics.ensure(this.name, partitions, {
      'cleanup.policy': 'compact',
      'segment.bytes': '16777216',
      'segment.ms': '21600000',
      'min.cleanable.dirty.ratio': '0.1',
    });
    return this.#made.catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
  }

  /** What is written to have the guards forgotten. */
  forgetting(guards: readonly string[]): readonly LogRecord[] {
    return guards.map((guard) => ({ key: guard, headers: {}, value: forgotten }));
  }

  /** What a transaction writes to remember a state. */
  part(guard: string, state: string): TransactionPart {
    return { topic: this.name, partition: this.partitionOf(guard), records: [{ record: { key: guard, headers: {}, value: state }, timestamp: Date.now() }] };
  }

  partitionOf(guard: string): number {
    return partitionOf(guard, partitions);
  }

  /** The guards whose names begin so, of all that had begun to be written when this was called. */
  async named(beginning: string): Promise<readonly string[]> {
    await Promise.all(this.#index.map((_, partition) => this.#readToEnd(partition)));
    return this.#index.flatMap(({ offsets }) => [...offsets.keys()].filter((guard) => guard.startsWith(beginning)));
  }

  /** The state that the newest committed transaction left, of all that had begun to write it when this was called. */
  async newest(guard: string): Promise<string | undefined> {
    const partition = this.partitionOf(guard);
    for (;;) {
      await this.#readToEnd(partition);
      const offset = this.#index[partition]?.offsets.get(guard);
      if (offset === undefined) return undefined;
      const state = await this.#stateAt(partition, offset, guard);
      // Compaction took it, because there is a newer one.
      if (state !== undefined) return state === forgotten ? undefined : state;
    }
  }

  async #readToEnd(partition: number): Promise<void> {
    // Counting what is not committed yet: what is decided about it has to be waited for.
    const end = (await listOffsets(this.#cluster, { topic: this.name, partitions: [partition], time: latest, isCommitted: false })).get(partition) ?? 0n;
    const indexed = this.#index[partition] as Indexed;
    const reading = indexed.reading.catch(() => undefined).then(() => this.#readTo(partition, indexed, end));
    indexed.reading = reading;
    await reading;
  }

  async #readTo(partition: number, indexed: Indexed, end: bigint): Promise<void> {
    const signal = AbortSignal.timeout(readWithinMs);
    while (indexed.next < end) {
      const chunk = await this.#chunk(partition, indexed.next, fetchBytes, signal);
      for (const { key, offset } of chunk.records) indexed.offsets.set(key, offset);
      indexed.next = chunk.next;
    }
  }

  async #stateAt(partition: number, offset: bigint, guard: string): Promise<string | undefined> {
    const { records } = await this.#chunk(partition, offset, 1, AbortSignal.timeout(readWithinMs));
    return records.find((record) => record.offset === offset && record.key === guard)?.value;
  }

  async #chunk(partition: number, from: bigint, bytesMax: number, signal: AbortSignal): Promise<Chunk> {
    try {
      const fetched = await this.#fetcher.fetch({ topic: this.name, partition, from, bytesMax }, true, signal);
      if (fetched === undefined) throw new BrokerRefusal(7); // REQUEST_TIMED_OUT
      return await readChunk(fetched, from);
    } catch (error) {
      // The topic was made anew under us.
      if (refusalOf(error) === 'OFFSET_OUT_OF_RANGE') Object.assign(this.#index[partition] as Indexed, { next: 0n });
      throw error;
    }
  }
}
