import { cloudEventJson, isReadable, maskedRecord, type Context, type StoredRecord } from '#events';
import { laneIndex, type Candidate, type Positions } from './event-filter.core.ts';

/** Encodings kept per entry of the tail: as many as there are usual ways of asking. Others encode for themselves. */
const sharedMax = 6;

/** A record of the log on its way to readers. */
export class LogEntry implements Candidate {
  readonly topic: Context;
  readonly record: StoredRecord;
  readonly lane: number;
  #isReadable: boolean | undefined;
  #shown: StoredRecord | undefined;
  #json: string | undefined;
  #shared: Map<string, Buffer> | undefined;

  constructor(topic: Context, record: StoredRecord) {
    this.topic = topic;
    this.record = record;
    this.lane = laneIndex(topic, record.partition);
  }

  /** Where its lane goes on. */
  get next(): bigint {
    return this.record.offset + 1n;
  }

  /** Judged once, however many follow. */
  get isReadable(): boolean {
    this.#isReadable ??= isReadable(this.topic, this.record);
    return this.#isReadable;
  }

  /** As readers see it: what is personal is masked. */
  get shown(): StoredRecord {
    this.#shown ??= maskedRecord(this.record);
    return this.#shown;
  }

  /** CloudEvents 1.0 JSON (structured mode), one line. */
  get json(): string {
    this.#json ??= cloudEventJson(this.topic, this.shown);
    return this.#json;
  }

  /** What `make` answers, made once for all readers that name it the same. */
  shared(name: string, make: () => Buffer): Buffer {
    const known = this.#shared?.get(name);
    if (known !== undefined) return known;
    const made = make();
    this.#shared ??= new Map();
    if (this.#shared.size < sharedMax) this.#shared.set(name, made);
    return made;
  }
}

/** An entry for one reader, and where that reader stands behind it. */
export interface LiveEvent {
  readonly entry: LogEntry;
  readonly positions: Positions;
  /** True when every reader with the same filter that follows the tail stands at the same positions: what is made of both can be shared. */
  readonly common: boolean;
}
