import type { EventLog, ReadLimits } from '#ports';
import { lanes, lanesOf, matches, type EventFilter, type Lane, type Positions } from './event-filter.core.ts';
import { LogEntry, type LiveEvent } from './log-entry.ts';

/** How much is wanted at once. */
export interface NextLimits {
  /** About as many bytes. */
  readonly bytesMax: number;
  readonly eventsMax: number;
}

export interface CatchUpPage {
  readonly events: readonly LiveEvent[];
  /** Behind everything that was looked at. */
  readonly positions: Positions;
  /** False when what was there at the beginning has been read. */
  readonly more: boolean;
}

/** So close to the end everything is read at once and put in the order in which it was recorded. */
const sortedRecordsMax = 256;
const chunkRecords = 512;

/**
 * Reads the log from given positions up to given ends. It holds nothing but positions between
 * two pages, so that a reader that does not take them costs no memory. A page is a part of one lane; the lane whose
 * records are the oldest comes next, so events arrive about in the order of time, and exactly so near the end.
 */
export class CatchUp {
  readonly #log: EventLog;
  readonly #filter: EventFilter;
  readonly #open: readonly number[];
  readonly #ends: Positions;
  /** When the last record that was read of each lane was recorded, ms. */
  readonly #times: number[] = lanes.map(() => 0);

  /** @param ends where to stop, by lane; what comes behind them is somebody else's to read */
  constructor(log: EventLog, filter: EventFilter, ends: Positions) {
    this.#log = log;
    this.#filter = filter;
    this.#open = lanesOf(filter);
    this.#ends = ends;
  }

  /** The next page from `positions` on. @throws OperatingError `OFFSET_OUT_OF_RANGE` when the log has been truncated meanwhile. */
  async page(from: Positions, { bytesMax, eventsMax }: NextLimits): Promise<CatchUpPage> {
    const behind = this.#open.filter((lane) => (from[lane] as bigint) < (this.#ends[lane] as bigint));
    const distance = (lane: number): number => Number((this.#ends[lane] as bigint) - (from[lane] as bigint));
    const left = behind.reduce((sum, lane) => sum + distance(lane), 0);
    if (left === 0) return { events: [], positions: from, more: false };
    const positions = [...from];
    if (left > Math.min(sortedRecordsMax, eventsMax)) {
      const lane = behind.reduce((best, each) => ((this.#times[each] as number) < (this.#times[best] as number) ? each : best));
      const entries = await this.#read(lane, positions, { recordsMax: Math.min(chunkRecords, eventsMax), bytesMax, waitMs: 0 });
      return { events: this.#wanted(from, entries), positions, more: true };
    }
    const all: LogEntry[] = [];
    for (const lane of behind) {
      const entries = await this.#read(lane, positions, { recordsMax: distance(lane), bytesMax, waitMs: 0 });
      for (const entry of entries) all.push(entry);
    }
    // Stable, and times never go back within a lane: so each lane keeps its order.
    all.sort((a, b) => a.record.recordedAt - b.record.recordedAt);
    return { events: this.#wanted(from, all), positions, more: true };
  }

  async #read(lane: number, positions: bigint[], limits: ReadLimits): Promise<LogEntry[]> {
    const { topic, partition } = lanes[lane] as Lane;
    const { records, next } = await this.#log.read(topic, partition, positions[lane] as bigint, limits);
    positions[lane] = next;
    this.#times[lane] = records.at(-1)?.recordedAt ?? (this.#times[lane] as number);
    return records.map((record) => new LogEntry(topic, record));
  }

  #wanted(from: Positions, entries: readonly LogEntry[]): LiveEvent[] {
    const trail = new Trail(from, entries);
    return entries.flatMap((entry, at) => (matches(this.#filter, entry) ? [new PastEvent(entry, trail, at)] : []));
  }
}

/** The positions behind each entry of a page, made when they are asked for: protocols with a token per page ask for the last alone. */
class Trail {
  readonly #from: Positions;
  readonly #entries: readonly LogEntry[];
  #at = 0;
  #positions: bigint[];

  constructor(from: Positions, entries: readonly LogEntry[]) {
    this.#from = from;
    this.#entries = entries;
    this.#positions = [...from];
  }

  behind(index: number): Positions {
    if (index < this.#at - 1) {
      this.#at = 0;
      this.#positions = [...this.#from];
    }
    for (; this.#at <= index; this.#at++) {
      const entry = this.#entries[this.#at] as LogEntry;
      this.#positions[entry.lane] = entry.next;
    }
    return [...this.#positions];
  }
}

class PastEvent implements LiveEvent {
  readonly entry: LogEntry;
  readonly common = false;
  readonly #trail: Trail;
  readonly #at: number;

  constructor(entry: LogEntry, trail: Trail, at: number) {
    this.entry = entry;
    this.#trail = trail;
    this.#at = at;
  }

  get positions(): Positions {
    return this.#trail.behind(this.#at);
  }
}
