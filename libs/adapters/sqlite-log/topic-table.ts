import type { StatementSync } from 'node:sqlite';
import { assert } from '#kernel';
import { eventLogErrors, type PartitionHead } from '#ports';
import type { Head } from './head.ts';
import type { LogDatabase } from './log-database.ts';
import { partitionRefsMax, recordTableOf, recordTableSchema } from './log-schema.constants.ts';
import type { RecordTables } from './record-tables.ts';

export interface TopicRow {
  readonly id: number;
  readonly name: string;
  readonly partitions: number;
  /** Ref of partition 0; the others follow. */
  readonly firstRef: number;
}

/** Selects that one statement puts together; SQLite takes 500. */
const partsMax = 100;

function isAnyOf({ firstRef, partitions }: TopicRow, refs: ReadonlySet<number>): boolean {
  for (let ref = firstRef; ref < firstRef + partitions; ref++) if (refs.has(ref)) return true;
  return false;
}

/** Topics, their partitions and watermarks. */
export class TopicTable {
  readonly #db: LogDatabase;
  readonly #records: RecordTables;
  readonly #topics = new Map<string, TopicRow>();
  /** By topic: statements that answer its partitions with the offset of the last record of each. */
  readonly #lasts = new Map<number, readonly StatementSync[]>();
  readonly #find: StatementSync;
  readonly #insertTopic: StatementSync;
  readonly #insertPartition: StatementSync;
  readonly #nextRef: StatementSync;
  readonly #floor: StatementSync;
  readonly #setFloor: StatementSync;
  readonly #floors: StatementSync;

  constructor(db: LogDatabase, records: RecordTables) {
    this.#db = db;
    this.#records = records;
    this.#find = db.prepare('SELECT id, partitions, (SELECT min(ref) FROM partition WHERE topic = topic.id) AS firstRef FROM topic WHERE name = ?');
    this.#insertTopic = db.prepare('INSERT INTO topic (name, partitions) VALUES (?, ?)');
    this.#insertPartition = db.prepare('INSERT INTO partition (ref, topic, number) VALUES (?, ?, ?)');
    this.#nextRef = db.prepare('SELECT coalesce(max(ref) + 1, 0) AS ref FROM partition');
    this.#floor = db.prepare('SELECT low, recorded_at AS recordedAt FROM partition WHERE ref = ?');
    this.#floors = db.prepare('SELECT ref, low FROM partition WHERE ref >= ? AND ref < ? ORDER BY ref');
    this.#floors.setReturnArrays(true);
    this.#setFloor = db.prepare('UPDATE partition SET low = ?, recorded_at = ? WHERE ref = ?');
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
    for (let number = 0; number < partitions; number++) {
      this.#insertPartition.run(firstRef + number, id, number);
      this.#db.exec(recordTableSchema(firstRef + number));
    }
  }

  /**
   * The high watermark is one past the last record, or where the truncation stopped that removed the last one. It is not
   * stored: an append would have to write one more page.
   */
  head(ref: number): Head {
    const floor = this.#floor.get(ref) as unknown as { readonly low: number; readonly recordedAt: number };
    const last = this.#records.of(ref).last();
    return {
      low: floor.low,
      high: last === undefined ? floor.low : Math.max(floor.low, last.offset + 1),
      recordedAt: Math.max(floor.recordedAt, last?.recordedAt ?? 0),
    };
  }

  /**
   * Where partitions end that have records: all of a topic that one of `refs` is of. Asked for each commit of another process: a
   * statement for each partition, most of which have nothing new, would cost more than reading what is new.
   */
  *ends(refs: ReadonlySet<number>): Generator<readonly [ref: number, high: number]> {
    for (const topic of this.#topics.values()) {
      if (isAnyOf(topic, refs)) yield* this.#endsOf(topic);
    }
  }

  *#endsOf(topic: TopicRow): Generator<readonly [ref: number, high: number]> {
    for (const statement of this.#lastsOf(topic))
      for (const [ref, last] of statement.all() as unknown as ReadonlyArray<readonly [number, number | null]>) if (last !== null) yield [ref, last + 1];
  }

  #lastsOf({ id, firstRef, partitions }: TopicRow): readonly StatementSync[] {
    const known = this.#lasts.get(id);
    if (known !== undefined) return known;
    const refs = Array.from({ length: partitions }, (_, partition) => firstRef + partition);
    const statements = Array.from({ length: Math.ceil(partitions / partsMax) }, (_, part) => {
      const selects = refs.slice(part * partsMax, (part + 1) * partsMax).map((ref) => `SELECT ${ref}, max(offset) FROM ${recordTableOf(ref)}`);
      const statement = this.#db.prepare(selects.join(' UNION ALL '));
      statement.setReturnArrays(true);
      return statement;
    });
    this.#lasts.set(id, statements);
    return statements;
  }

  /** Within a write transaction: nothing before `low` is held from now on. */
  raiseLow(ref: number, low: number): void {
    this.#setFloor.run(low, this.head(ref).recordedAt, ref);
  }

  heads(topic: TopicRow): PartitionHead[] {
    const lows = this.#floors.all(topic.firstRef, topic.firstRef + topic.partitions) as unknown as ReadonlyArray<readonly [number, number]>;
    const ends = new Map(this.#endsOf(topic));
    return lows.map(([ref, low]) => ({ partition: ref - topic.firstRef, low: BigInt(low), high: BigInt(Math.max(low, ends.get(ref) ?? low)) }));
  }

  #load(name: string): TopicRow | undefined {
    const row = this.#find.get(name);
    if (row === undefined) return undefined;
    const topic = { id: row['id'] as number, name, partitions: row['partitions'] as number, firstRef: row['firstRef'] as number };
    this.#topics.set(name, topic);
    return topic;
  }
}
