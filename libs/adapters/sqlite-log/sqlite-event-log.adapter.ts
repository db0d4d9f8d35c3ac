import { setTimeout as sleep } from 'node:timers/promises';
import type { LogRecord } from '#events';
import { assert } from '#kernel';
import {
  checkRecordSize,
  EventLog,
  eventLogErrors,
  type AppendOptions,
  type Clock,
  type ExpectedVersion,
  type KnownProducer,
  type PartitionHead,
  type Position,
  type ReadBatch,
  type ReadLimits,
  type RestoreRecords,
} from '#ports';
import { retryWhileBusy } from './busy-retry.ts';
import { FileSpace } from './file-space.ts';
import { LogDatabase } from './log-database.ts';
import { makeLogId, readLogId } from './log-id.ts';
import { LogTables } from './log-tables.ts';
import { LogWatcher } from './log-watcher.ts';
import { LogWriter } from './log-writer.ts';
import type { Head } from './head.ts';

/** Bounds of one read, so that none holds the event loop for long; callers get the rest by `next`. */
const readRecordsMax = 5000;
const readBytesMax = 8_388_608;

/** Records deleted per transaction by a truncation, so that appends can go between: some 2 ms. */
const truncateRowsMax = 200;

/** Between two of those transactions, at most. */
const stepPauseMsMax = 50;

export interface SqliteEventLogInit {
  /** The file; its folder is made if it is not there. */
  readonly path: string;
  /** Most bytes of the file; beyond, appends are refused with `LOG_FULL` as on a full disk. None by default. */
  readonly sizeBytesMax?: number;
  /** Size of the write-ahead log above which it is begun anew by force, bytes; 64 MiB by default. */
  readonly walBytesMax?: number;
}

export interface SqliteEventLogDeps {
  readonly clock: Clock;
}

/**
 * The embedded event log: one SQLite file in WAL mode, `synchronous=FULL`, for any number of processes of one machine.
 * Errors besides the port's: `LOG_TOO_NEW` on opening a file of a newer schema.
 */
export class SqliteEventLog extends EventLog {
  readonly #db: LogDatabase;
  readonly #tables: LogTables;
  readonly #writer: LogWriter;
  readonly #space: FileSpace;
  readonly #watcher: LogWatcher;
  #closing: Promise<void> | undefined;

  /** @throws OperatingError `LOG_CORRUPT`, `LOG_TOO_NEW`, `LOG_FULL`, `LOG_UNAVAILABLE` */
  constructor(init: SqliteEventLogInit, deps: SqliteEventLogDeps) {
    super();
    this.#db = new LogDatabase(init.path, init.sizeBytesMax);
    this.#tables = new LogTables(this.#db);
    this.#space = new FileSpace(this.#db);
    this.#watcher = new LogWatcher(this.#db, (refs) => this.#db.read(() => [...this.#tables.topics.ends(refs)]));
    this.#writer = new LogWriter({
      db: this.#db,
      tables: this.#tables,
      clock: deps.clock,
      walBytesMax: init.walBytesMax ?? 67_108_864,
      onAppended: (highs) => this.#watcher.appended(highs),
    });
  }

  override async ensureTopic(topic: string, partitions: number): Promise<void> {
    assert(Number.isInteger(partitions) && partitions >= 1, 'a topic has at least one partition');
    await this.#exclusive(() => this.#tables.topics.ensure(topic, partitions));
  }

  override async append(topic: string, records: readonly LogRecord[], options: AppendOptions = {}): Promise<readonly Position[]> {
    this.#checkOpen();
    for (const record of records) checkRecordSize(record);
    return this.#writer.append({ topic, records, options });
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    assert(limits.recordsMax >= 1, 'a read asks for at least one record');
    const deadline = performance.now() + limits.waitMs;
    // A caller that reads in a loop must not keep the rest of the process waiting.
    await nextTurn();
    for (;;) {
      if (limits.stored === true) await this.#whileOpen(() => this.#forgetRead());
      const batch = await this.#whileOpen(
        () => this.#readRecent(topic, partition, from, limits) ?? this.#db.read(() => this.#readNow(topic, partition, from, limits)),
      );
      const leftMs = deadline - performance.now();
      if (batch.records.length > 0 || leftMs <= 0 || signal?.aborted) return batch;
      await this.#watcher.wait(this.#ref(topic, partition), Number(batch.high), leftMs, signal);
    }
  }

  /** Of the file, pages and names of headers: SQLite believes what it has in memory as long as nobody writes by its rules. */
  #forgetRead(): void {
    this.#db.exec('PRAGMA shrink_memory');
    this.#tables.records.forget();
  }

  #readRecent(topic: string, partition: number, from: bigint, limits: ReadLimits): ReadBatch | undefined {
    if (limits.stored === true) return undefined;
    return this.#tables.records.of(this.#ref(topic, partition)).recent.read(this.#db.version, from, limits);
  }

  #readNow(topic: string, partition: number, from: bigint, limits: ReadLimits): ReadBatch {
    const ref = this.#ref(topic, partition);
    const head = this.#tables.topics.head(ref);
    checkOffset(topic, partition, from, head);
    const bounded = { recordsMax: Math.min(limits.recordsMax, readRecordsMax), bytesMax: Math.min(limits.bytesMax, readBytesMax) };
    const table = this.#tables.records.of(ref);
    const fetched = table.fetch(partition, Number(from), head.high, bounded);
    if (limits.stored !== true) table.recent.keep(this.#db.version, head, Number(from), fetched);
    const records = fetched.map(({ record }) => record);
    return { records, next: from + BigInt(records.length), high: BigInt(head.high) };
  }

  override async producer(topic: string, id: string): Promise<KnownProducer | undefined> {
    const known = await this.#snapshot(() => this.#tables.producers.find(this.#tables.topics.get(topic).id, id));
    return known === undefined ? undefined : { epoch: known.epoch, next: known.next };
  }

  override async heads(topic: string): Promise<readonly PartitionHead[]> {
    return this.#snapshot(() => this.#tables.topics.heads(this.#tables.topics.get(topic)));
  }

  override async offsetAt(topic: string, partition: number, timeMs: number): Promise<bigint> {
    return this.#snapshot(() => this.#offsetAtNow(this.#ref(topic, partition), timeMs));
  }

  /** Times never go back within a partition, so a binary search finds the first. */
  #offsetAtNow(ref: number, timeMs: number): bigint {
    const records = this.#tables.records.of(ref);
    let { low, high } = this.#tables.topics.head(ref);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const time = records.timeOf(middle);
      assert(time !== undefined, `the record at offset ${middle} is missing`);
      if (time >= timeMs) high = middle;
      else low = middle + 1;
    }
    return BigInt(high);
  }

  override async truncate(topic: string, partition: number, before: bigint): Promise<void> {
    const ref = await this.#snapshot(() => this.#ref(topic, partition));
    const end = await this.#exclusive(() => {
      const head = this.#tables.topics.head(ref);
      if (before <= BigInt(head.low)) return head.low;
      checkOffset(topic, partition, before, head);
      this.#tables.topics.raiseLow(ref, Number(before));
      return Number(before);
    });
    // The records are out of reach by now; should this be cut short, the next truncation removes them.
    await this.#inSteps(() => this.#tables.records.of(ref).deleteSome(end, truncateRowsMax));
    await this.#inSteps(() => this.#space.giveBackSome());
  }

  /** Work that writes, a transaction at a time until it says that it is done, with as much time between for the appends of others. */
  async #inSteps(step: () => boolean): Promise<void> {
    while (this.#closing === undefined) {
      const begun = performance.now();
      if (!(await this.#exclusive(step))) return;
      this.#writer.grew();
      await sleep(Math.min(stepPauseMsMax, Math.ceil(performance.now() - begun)));
    }
  }

  override async restore(topic: string, partitions: number, work: (write: RestoreRecords) => Promise<void>): Promise<void> {
    await this.ensureTopic(topic, partitions);
    await this.#writer.forgetProducers(topic);
    await work(async (records) => {
      this.#checkOpen();
      await this.#writer.restore(topic, records);
    });
  }

  override async subjects(topic: string): Promise<readonly ExpectedVersion[]> {
    return this.#snapshot(() => this.#tables.subjects.all(this.#tables.topics.get(topic).id));
  }

  override async restoreSubjects(topic: string, versions: readonly ExpectedVersion[]): Promise<void> {
    await this.#exclusive(() => this.#tables.subjects.replace(this.#tables.topics.get(topic).id, versions));
  }

  override async identity(): Promise<string> {
    const id = (await this.#snapshot(() => readLogId(this.#db))) ?? (await this.#exclusive(() => makeLogId(this.#db)));
    return `embedded:${id}`;
  }

  override async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#watcher.close();
    await this.#writer.drained();
    this.#db.close();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw eventLogErrors.closed();
  }

  #ref(topic: string, partition: number): number {
    return this.#tables.topics.ref(this.#tables.topics.get(topic), partition);
  }

  /** Work that reads, on one snapshot of the file. */
  #snapshot<T>(work: () => T): Promise<T> {
    return this.#whileOpen(() => this.#db.read(work));
  }

  /** Work that writes, as the only writer. */
  #exclusive<T>(work: () => T): Promise<T> {
    return this.#whileOpen(() => this.#db.write(work));
  }

  /** Checked at every try: the log may be closed while the file is busy. */
  #whileOpen<T>(work: () => T): Promise<T> {
    return retryWhileBusy(this.#db.path, () => {
      this.#checkOpen();
      return work();
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function checkOffset(topic: string, partition: number, offset: bigint, { low, high }: Head): void {
  if (offset < BigInt(low) || offset > BigInt(high)) throw eventLogErrors.offsetOutOfRange(topic, partition, offset, BigInt(low), BigInt(high));
}
