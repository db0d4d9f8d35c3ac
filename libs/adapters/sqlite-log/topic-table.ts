import type { StatementSync } from 'node:sqlite';
import { assert } from '#kernel';
import { eventLogErrors, type PartitionHead } from '#ports';
import type { LogDatabase } from './log-database.ts';
import { partitionRefsMax } from './log-schema.constants.ts';

export interface TopicRow {
  readonly id: number;
  readonly name: string;
  readonly partitions: number;
  /** Ref of partition 0; the others follow. */
  readonly firstRef: number;
}

/** A partition's watermarks as numbers: offsets stay below 2^37. */
export interface Head {
  low: number;
  high: number;
  /** Of the last record, ms since the Unix epoch. */
  recordedAt: number;
}

/** Topics, their partitions and watermarks. */
export class TopicTable {
  readonly #topics = new Map<string, TopicRow>();
  readonly #find: StatementSync;
  readonly #insertTopic: StatementSync;
  readonly #insertPartition: StatementSync;
  readonly #nextRef: StatementSync;
  readonly #head: StatementSync;
  readonly #setHead: StatementSync;
  readonly #setLow: StatementSync;
  readonly #heads: StatementSync;

  constructor(db: LogDatabase) {
    this.#find = db.prepare('SELECT id, partitions, (SELECT min(ref) FROM partition WHERE topic = topic.id) AS firstRef FROM topic WHERE name = ?');
    this.#insertTopic = db.prepare('INSERT INTO topic (name, partitions) VALUES (?, ?)');
    this.#insertPartition = db.prepare('INSERT INTO partition (ref, topic, number) VALUES (?, ?, ?)');
    this.#nextRef = db.prepare('SELECT coalesce(max(ref) + 1, 0) AS ref FROM partition');
    this.#head = db.prepare('SELECT low, high, recorded_at AS recordedAt FROM partition WHERE ref = ?');
    this.#setHead = db.prepare('UPDATE partition SET high = ?, recorded_at = ? WHERE ref = ?');
    this.#setLow = db.prepare('UPDATE partition SET low = ? WHERE ref = ?');
    this.#heads = db.prepare('SELECT number, low, high FROM partition WHERE topic = ? ORDER BY number');
  }

  /** @throws OperatingError `TOPIC_UNKNOWN` */
  get(name: string): TopicRow {
    const topic = this.#topics.get(name) ?? this.#load(name);
    if (topic === undefined) throw eventLogErrors.topicUnknown(name);
    return topic;
  }

  /** @throws OperatingError `TOPIC_UNKNOWN` */
  ref(topic: TopicRow, partition: number): number {
    if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitions) {
      throw eventLogErrors.partitionUnknown(topic.name, partition, topic.partitions);
    }
    return topic.firstRef + partition;
  }

  /** Within a write transaction. @throws OperatingError `TOPIC_MISMATCH` */
  ensure(name: string, partitions: number): void {
    const known = this.#load(name);
    if (known !== undefined && known.partitions !== partitions) throw eventLogErrors.topicMismatch(name, known.partitions, partitions);
    if (known !== undefined) return;
    const id = Number(this.#insertTopic.run(name, partitions).lastInsertRowid);
    const firstRef = this.#nextRef.get()?.['ref'] as number;
    assert(firstRef + partitions <= partitionRefsMax, `a log has at most ${partitionRefsMax} partitions`);
    for (let number = 0; number < partitions; number++) this.#insertPartition.run(firstRef + number, id, number);
  }

  head(ref: number): Head {
    return this.#head.get(ref) as unknown as Head;
  }

  setHead(ref: number, head: Head): void {
    this.#setHead.run(head.high, head.recordedAt, ref);
  }

  setLow(ref: number, low: number): void {
    this.#setLow.run(low, ref);
  }

  heads(topic: TopicRow): PartitionHead[] {
    return this.#heads.all(topic.id).map((row) => ({
      partition: row['number'] as number,
      low: BigInt(row['low'] as number),
      high: BigInt(row['high'] as number),
    }));
  }

  #load(name: string): TopicRow | undefined {
    const row = this.#find.get(name);
    if (row === undefined) return undefined;
    const topic = { id: row['id'] as number, name, partitions: row['partitions'] as number, firstRef: row['firstRef'] as number };
    this.#topics.set(name, topic);
    return topic;
  }
}
