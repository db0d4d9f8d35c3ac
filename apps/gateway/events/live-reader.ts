import type { EventLog } from '#ports';
import type { ShownEvent } from './cloud-event.codec.ts';
import { laneIndex, matches, type EventFilter } from './event-filter.core.ts';
import { openHistory, type HistoryReader } from './event-history.ts';
import type { LogTail, TailEntry } from './log-tail.ts';
import type { Positions } from './position-token.codec.ts';
import type { Context } from '#events';

/** An event, and the positions behind it. */
export interface LiveEvent {
  readonly event: ShownEvent;
  readonly positions: Positions;
}

const batchMax = 256;

/**
 * One reader's cursor on the log: it catches up from the log itself, then follows the shared tail, and goes back to the
 * log when the tail has forgotten what it needs. There is no hand-over to get wrong: positions decide what is new.
 */
export class LiveReader {
  readonly #log: EventLog;
  readonly #tail: LogTail;
  readonly #filter: EventFilter;
  readonly #positions: bigint[];
  #history: HistoryReader | undefined;
  /** Number of the tail's entry to read next, once the history before it is read. */
  #number = -1;
  #following = false;

  constructor(log: EventLog, tail: LogTail, filter: EventFilter, positions: Positions) {
    this.#log = log;
    this.#tail = tail;
    this.#filter = filter;
    this.#positions = [...positions];
  }

  get positions(): Positions {
    return [...this.#positions];
  }

  /** What is there now, at most a batch; empty when nothing is new. */
  async next(): Promise<readonly LiveEvent[]> {
    if (this.#following) {
      const entries = this.#tail.from(this.#number, batchMax);
      if (entries !== undefined) return this.#follow(entries);
      this.#following = false;
    }
    return this.#catchUp();
  }

  /** True when `next` has to be called again at once. */
  get behind(): boolean {
    return !this.#following || (this.#tail.from(this.#number, 1)?.length ?? 1) > 0;
  }

  #follow(entries: readonly TailEntry[]): readonly LiveEvent[] {
    this.#number += entries.length;
    const fresh: LiveEvent[] = [];
    for (const { lane, next, event } of entries) {
      if (next <= (this.#positions[lane] as bigint)) continue;
      this.#positions[lane] = next;
      if (matches(this.#filter, event)) fresh.push({ event, positions: this.positions });
    }
    return fresh;
  }

  async #catchUp(): Promise<readonly LiveEvent[]> {
    if (this.#history === undefined) {
      // Taken before the heads are read: whatever comes after them is in the tail from this number on.
      this.#number = this.#tail.number;
      this.#history = await openHistory(this.#log, { filter: this.#filter, order: 'oldest', positions: this.positions });
    }
    const page = await this.#history.take(batchMax);
    const events = page.events.map((event) => {
      this.#positions[laneIndex(event.topic as Context, event.partition)] = event.offset + 1n;
      return { event, positions: this.positions };
    });
    page.positions.forEach((position, lane) => (this.#positions[lane] = position));
    if (!page.more) {
      this.#history = undefined;
      this.#following = true;
    }
    return events;
  }
}
