import { decodeEvent, topicPartitions, type StoredRecord } from '#events';
import { hasCode } from '#kernel';
import type { EventLog, Position, ReadLimits } from '#ports';
import { backOffMs, pause, type Health, type Logger } from '#runtime';
import { readSnapshot, writeSnapshot, type FoldedPartition } from './fold-snapshot.ts';
import { StreamFold, type StreamState } from './stream-fold.core.ts';

export interface StreamFollowerInit {
  /** Where the fold is kept between runs: start-up reads the log from there, not from its beginning. */
  readonly snapshotPath: string;
}

export interface StreamFollowerDeps {
  readonly log: EventLog;
  readonly logger: Logger;
  readonly health?: Health;
}

const topic = 'stream';
const limits: ReadLimits = { recordsMax: 2000, bytesMax: 4_194_304, waitMs: 5000 };
const snapshotEveryMs = 15_000;

/** Keeps the fold of the `stream` topic up with the log. */
export class StreamFollower {
  readonly #init: StreamFollowerInit;
  readonly #deps: StreamFollowerDeps;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(streamId: string) => void>();
  /** Those that one stream alone concerns: with a thousand streams, asking all of them about each event would cost more than the event. */
  readonly #listenersOf = new Map<string, Set<() => void>>();
  readonly #waiting = new Set<() => void>();
  #fold = new StreamFold();
  #partitions: Array<FoldedPartition | undefined> = Array.from({ length: topicPartitions }, () => undefined);
  #loops: Promise<void>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #saved = '';

  constructor(init: StreamFollowerInit, deps: StreamFollowerDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Resolves when everything that was on the log at the call is folded. */
  async start(): Promise<void> {
    const { log } = this.#deps;
    await log.ensureTopic(topic, topicPartitions);
    await this.#restore();
    const heads = await log.heads(topic);
    this.#loops = heads.map(({ partition, low }) => this.#follow(partition, this.#partitions[partition]?.next ?? low));
    const written = heads.filter(({ high, low }) => high > low);
    await Promise.all(written.map(({ partition, high }) => this.reached({ partition, offset: high - 1n })));
    this.#timer = setInterval(() => void this.#save(), snapshotEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    for (const wake of [...this.#waiting]) wake();
    await Promise.all(this.#loops);
    await this.#save();
  }

  get(streamId: string): StreamState | undefined {
    return this.#fold.get(streamId);
  }

  states(): readonly StreamState[] {
    return this.#fold.states();
  }

  /** The listener is told each stream that changed. Answers how to stop listening. */
  onChange(listener: (streamId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The listener is told when that stream changed. Answers how to stop listening. */
  onChangeOf(streamId: string, listener: () => void): () => void {
    const listeners = this.#listenersOf.get(streamId) ?? new Set();
    this.#listenersOf.set(streamId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listenersOf.get(streamId) === listeners) this.#listenersOf.delete(streamId);
    };
  }

  /** Resolves when the record at the position is folded, or when following ends. */
  async reached({ partition, offset }: Position): Promise<void> {
    while (!this.#stop.signal.aborted && (this.#partitions[partition]?.next ?? 0n) <= offset) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  /** Takes the snapshot if each partition's last folded event still stands where it stood: else it is of another log. */
  async #restore(): Promise<void> {
    const snapshot = await readSnapshot(this.#init.snapshotPath);
    if (snapshot === undefined || snapshot.partitions.length !== topicPartitions) return;
    for (const [partition, folded] of snapshot.partitions.entries()) {
      if (folded !== undefined && !(await this.#stillStands(partition, folded))) {
        this.#deps.logger.warn({ partition }, 'the kept fold does not fit the log; reading the log from its beginning');
        return;
      }
    }
    this.#fold = StreamFold.restore(snapshot.streams);
    this.#partitions = [...snapshot.partitions];
  }

  async #stillStands(partition: number, { lastOffset, lastEventId }: FoldedPartition): Promise<boolean> {
    try {
      const { records } = await this.#deps.log.read(topic, partition, lastOffset, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
      return records[0]?.offset === lastOffset && records[0].headers['ce_id'] === lastEventId;
    } catch (error) {
      if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) return false;
      throw error;
    }
  }

  async #follow(partition: number, from: bigint): Promise<void> {
    const { log, logger } = this.#deps;
    const { signal } = this.#stop;
    const heart = this.#deps.health?.loop(`stream follower ${partition}`, limits.waitMs);
    for (let failures = 0; !signal.aborted;) {
      heart?.beat();
      try {
        const { records, next } = await log.read(topic, partition, this.#partitions[partition]?.next ?? from, limits, signal);
        failures = 0;
        if (next > (this.#partitions[partition]?.next ?? from)) this.#take(partition, records, next);
      } catch (err) {
        if (signal.aborted || hasCode(err, 'LOG_CLOSED')) return;
        if (failures++ % 20 === 0) logger.error({ err, partition }, 'cannot read the log; trying again');
        await pause(backOffMs(failures, 100, 5000), signal);
      }
    }
    heart?.end();
  }

  #take(partition: number, records: readonly StoredRecord[], next: bigint): void {
    const changed = new Set<string>();
    for (const record of records) {
      const streamId = this.#apply(record);
      if (streamId !== undefined) changed.add(streamId);
    }
    const last = records.at(-1);
    const before = this.#partitions[partition];
    this.#partitions[partition] = {
      next,
      lastOffset: last?.offset ?? before?.lastOffset ?? next,
      lastEventId: last?.headers['ce_id'] ?? before?.lastEventId ?? '',
    };
    for (const wake of [...this.#waiting]) wake();
    for (const streamId of changed) {
      for (const listener of this.#listeners) listener(streamId);
      for (const listener of this.#listenersOf.get(streamId) ?? []) listener();
    }
  }

  /** An event that cannot be read must not end every live stream: it is reported and passed over. */
  #apply(record: StoredRecord): string | undefined {
    try {
      return this.#fold.apply(decodeEvent(record));
    } catch (err) {
      this.#deps.logger.error({ err, partition: record.partition, offset: `${record.offset}` }, 'an event cannot be read and is passed over');
      return undefined;
    }
  }

  async #save(): Promise<void> {
    const positions = this.#partitions.map((one) => `${one?.next}`).join();
    if (positions === this.#saved) return;
    try {
      await writeSnapshot(this.#init.snapshotPath, { partitions: [...this.#partitions], streams: this.#fold.states() });
      this.#saved = positions;
    } catch (err) {
      this.#deps.logger.warn({ err }, 'the fold cannot be kept; the next start will read more of the log');
    }
  }
}
