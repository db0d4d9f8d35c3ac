import type { EventLog, ReadLimits } from '#ports';
import { pause } from '#runtime';
import { hasCode } from '#kernel';
import { contexts } from '#events';
import { lanes, type Lane, type Positions } from './event-filter.core.ts';
import { LogEntry } from './log-entry.ts';

/** An entry of the tail, and where all lanes stand behind it. */
export interface TailEntry {
  readonly entry: LogEntry;
  readonly positions: Positions;
}

/** Entries kept for readers that are a little behind; those further behind read the log. */
const ringMax = 4_096;
const ringBytesMax = 8_388_608;
const failedPauseMs = 1_000;
const limits: ReadLimits = { recordsMax: 512, bytesMax: 1_048_576, waitMs: 10_000 };

/**
 * The end of the log, read once for all live readers of this process. Entries have numbers that count up without gaps;
 * a reader remembers the number it has come to. Runs only while somebody listens.
 */
export class LogTail {
  readonly #log: EventLog;
  #ring: TailEntry[] = [];
  #ringBytes = 0;
  /** Number of the ring's first entry. */
  #first = 0;
  #positions: bigint[] = [];
  #listeners = 0;
  #running: { readonly abort: AbortController; readonly opened: Promise<void> } | undefined;
  readonly #watchers = new Set<() => void>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Number of the entry that comes next. */
  get number(): number {
    return this.#first + this.#ring.length;
  }

  /** Behind everything that it has read, by lane. */
  get positions(): Positions {
    return [...this.#positions];
  }

  /** Forgets its entries; readers who want them read the log. */
  forget(): void {
    this.#forgetAll();
    this.#announce();
  }

  /** Begins to listen; call the answer to end it. */
  async listen(): Promise<() => void> {
    this.#listeners++;
    let listening = true;
    const end = (): void => {
      if (!listening) return;
      listening = false;
      if (--this.#listeners === 0) this.#stop();
    };
    this.#running ??= this.#start();
    try {
      await this.#running.opened;
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  /** True until the ring has forgotten the entry of this number. */
  holds(number: number): boolean {
    return number >= this.#first;
  }

  /** Entries from `number` on; undefined when the ring has forgotten the first of them. */
  from(number: number, most: number): readonly TailEntry[] | undefined {
    return number < this.#first ? undefined : this.#ring.slice(number - this.#first, number - this.#first + most);
  }

  /** Calls `wake` whenever there is more, and at the tail's end, until the answer is called. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => void this.#watchers.delete(wake);
  }

  #start(): { readonly abort: AbortController; readonly opened: Promise<void> } {
    const abort = new AbortController();
    const opened = this.#open().then(() => void this.#run(abort.signal));
    opened.catch(() => (this.#running = undefined));
    return { abort, opened };
  }

  #stop(): void {
    this.#running?.abort.abort();
    this.#running = undefined;
    this.#announce();
  }

  async #open(): Promise<void> {
    const heads = await Promise.all(contexts.map((topic) => this.#log.heads(topic)));
    this.#forgetAll();
    this.#positions = lanes.map((lane) => heads[contexts.indexOf(lane.topic)]?.[lane.partition]?.high ?? 0n);
  }

  /** One waiting read per lane: engines wake all of them from one watch of the log. */
  async #run(signal: AbortSignal): Promise<void> {
    await Promise.all(lanes.map((_, index) => this.#follow(index, signal)));
  }

  async #follow(index: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#read(index, signal);
      } catch {
        // The engine is away; readers wait as long as we do.
        await pause(failedPauseMs, signal);
      }
    }
  }

  async #read(index: number, signal: AbortSignal): Promise<void> {
    const lane = lanes[index] as Lane;
    const from = this.#positions[index] as bigint;
    const batch = await this.#log.read(lane.topic, lane.partition, from, limits, signal).catch((error: unknown) => {
      if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) return undefined;
      throw error;
    });
    if (batch === undefined) return this.#jump(index, signal);
    const { records, next } = batch;
    if (signal.aborted) return;
    for (const record of records) {
      this.#positions[index] = record.offset + 1n;
      this.#push({ entry: new LogEntry(lane.topic, record), positions: [...this.#positions] });
    }
    this.#positions[index] = next;
    if (records.length > 0) this.#announce();
  }

  /** Truncated under a tail that was slow: readers have to look at the log, which tells them what they have missed. */
  async #jump(index: number, signal: AbortSignal): Promise<void> {
    const lane = lanes[index] as Lane;
    const low = (await this.#log.heads(lane.topic))[lane.partition]?.low ?? 0n;
    if (signal.aborted) return;
    this.#positions[index] = low;
    this.#forgetAll();
    this.#announce();
  }

  /** Numbers go on counting: whoever comes with an older one finds it forgotten, and reads the log instead. */
  #forgetAll(): void {
    this.#first += this.#ring.length + 1;
    this.#ring = [];
    this.#ringBytes = 0;
  }

  #push(entry: TailEntry): void {
    this.#ring.push(entry);
    this.#ringBytes += bytesOf(entry);
    // A quarter at a time, because taking one off the front moves all others.
    if (this.#ring.length <= ringMax && this.#ringBytes <= ringBytesMax) return;
    const forgotten = this.#ring.splice(0, Math.ceil(this.#ring.length / 4));
    for (const each of forgotten) this.#ringBytes -= bytesOf(each);
    this.#first += forgotten.length;
  }

  #announce(): void {
    for (const wake of this.#watchers) wake();
  }
}

/** About what an entry weighs. */
function bytesOf({ entry }: TailEntry): number {
  return entry.record.value.length + 512;
}
