import type { LogRecord } from '#events';
import { assert, OperatingError, partitionOf } from '#kernel';
import { admitProducer, eventLogErrors, type AppendOptions, type Clock, type Position } from '#ports';
import type { LogTables } from './log-tables.ts';
import { offsetSpan } from './log-schema.constants.ts';
import type { Head } from './head.ts';
import type { TopicRow } from './topic-table.ts';
import type { WriterMemory } from './writer-memory.ts';

export interface AppendCall {
  readonly topic: string;
  readonly records: readonly LogRecord[];
  readonly options: AppendOptions;
}

export type AppendOutcome = readonly Position[] | OperatingError;

/**
 * Appends of several callers in one transaction: one sync of the disk serves them all. A call that is refused (fenced,
 * a gap, a conflict) has written nothing when it is found out, so the others are not touched by it.
 */
export class AppendTransaction {
  readonly #tables: LogTables;
  readonly #now: number;
  readonly #memory: WriterMemory;
  readonly #touched = new Map<number, Head>();

  constructor(tables: LogTables, memory: WriterMemory, clock: Clock) {
    this.#tables = tables;
    this.#memory = memory;
    this.#now = clock.now();
  }

  /** Within a write transaction. Outcomes are in the order of the calls. */
  run(calls: readonly AppendCall[]): readonly AppendOutcome[] {
    this.#memory.check();
    const outcomes = calls.map((call): AppendOutcome => {
      try {
        return this.#append(call);
      } catch (error) {
        if (error instanceof OperatingError) return error;
        throw error;
      }
    });
    for (const ref of this.#touched.keys()) this.#tables.records.of(ref).flush();
    return outcomes;
  }

  /** Partitions that got records, and the new high watermark of each. */
  get highs(): ReadonlyMap<number, number> {
    return new Map([...this.#touched].map(([ref, head]) => [ref, head.high]));
  }

  #append({ topic: name, records, options }: AppendCall): readonly Position[] {
    const { producer, expected } = options;
    const topic = this.#tables.topics.get(name);
    if (producer === undefined) {
      if (expected !== undefined) this.#expect(topic, expected.subject, expected.version, 0, records.length);
      return positionsOf(this.#write(topic, records));
    }
    const known = this.#memory.producer(topic.id, producer.id) ?? this.#tables.producers.find(topic.id, producer.id);
    const { repeated, state } = admitProducer(known, producer, records.length);
    const old = known === undefined || repeated === 0 ? undefined : this.#tables.producers.recall(known, producer.sequence, repeated);
    if (old !== undefined && repeated === records.length) return positionsOf(old);
    // An append of nothing writes nothing, unless it brings a new epoch, which shuts out the older one.
    if (records.length === 0 && known?.epoch === producer.epoch) return [];
    if (expected !== undefined) this.#expect(topic, expected.subject, expected.version, repeated, records.length);
    const fresh = this.#write(topic, records.slice(repeated));
    const sequence = producer.sequence + BigInt(repeated);
    const row = this.#tables.producers.remember({ topic: topic.id, name: producer.id, ref: known?.ref, state, sequence, positions: fresh });
    this.#memory.setProducer(topic.id, producer.id, row);
    return old === undefined ? positionsOf(fresh) : [...positionsOf(old), ...positionsOf(fresh)];
  }

  #expect(topic: TopicRow, subject: string, version: bigint, repeated: number, count: number): void {
    const current = this.#tables.subjects.version(topic.id, subject);
    if (current !== version + BigInt(repeated)) throw eventLogErrors.versionConflict(subject, version, current);
    this.#tables.subjects.set(topic.id, subject, version + BigInt(count));
  }

  /** Answers per record `partition * offsetSpan + offset`. */
  #write(topic: TopicRow, records: readonly LogRecord[]): Float64Array {
    const positions = new Float64Array(records.length);
    for (let at = 0; at < records.length; at++) {
      const record = records[at] as LogRecord;
      const partition = partitionOf(record.key, topic.partitions);
      const head = this.#head(topic.firstRef + partition);
      assert(head.high < offsetSpan - 1, 'a partition holds at most 2^37 records');
      positions[at] = partition * offsetSpan + head.high;
      this.#tables.records.add(topic.firstRef + partition, head.high, head.recordedAt, record);
      head.high += 1;
    }
    return positions;
  }

  #head(ref: number): Head {
    const open = this.#touched.get(ref);
    if (open !== undefined) return open;
    const head = this.#memory.heads.get(ref) ?? this.#tables.topics.head(ref);
    head.recordedAt = Math.max(head.recordedAt, this.#now);
    this.#memory.heads.set(ref, head);
    this.#touched.set(ref, head);
    return head;
  }
}

function positionsOf(ids: Float64Array): Position[] {
  return Array.from(ids, (id) => ({ partition: Math.floor(id / offsetSpan), offset: BigInt(id % offsetSpan) }));
}
