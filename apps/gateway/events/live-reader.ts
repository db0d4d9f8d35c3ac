import type { EventLog } from '#ports';
import { CatchUp, type NextLimits } from './catch-up.ts';
import { lanesOf, matches, type EventFilter, type Positions } from './event-filter.core.ts';
import type { LiveEvent } from './log-entry.ts';
import type { LogTail, TailEntry } from './log-tail.ts';

export interface LiveReaderDeps {
  readonly log: EventLog;
  readonly tail: LogTail;
}

/** Entries of the tail that are looked at in one go. */
const entriesMax = 512;

/**
 * One reader's cursor on the log: it catches up from the log itself, then follows the shared tail, and goes back to the
 * log when the tail has forgotten what it needs. There is no hand-over to get wrong: positions decide what is new.
 */
export class LiveReader {
  readonly #log: EventLog;
  readonly #tail: LogTail;
  readonly #filter: EventFilter;
  readonly #lanes: readonly number[];
  #positions: Positions;
  #catchUp: CatchUp | undefined;
  /** Number of the tail's entry to read next, once the history before it is read. */
  #number = -1;
  #following = false;
  /** True once our positions are those of the tail, in every lane that matters to us. */
  #inStep = false;

  constructor({ log, tail }: LiveReaderDeps, filter: EventFilter, positions: Positions) {
    this.#log = log;
    this.#tail = tail;
    this.#filter = filter;
    this.#lanes = lanesOf(filter);
    this.#positions = positions;
  }

  /** Behind everything that `next` has answered. */
  get positions(): Positions {
    return this.#positions;
  }

  /** True when the history has been read: what comes now is new. */
  get live(): boolean {
    return this.#following;
  }

  /** True when `next` reads the log itself: because the history is not read yet, or the tail has forgotten where we are. */
  get readsHistory(): boolean {
    return !this.#following || !this.#tail.holds(this.#number);
  }

  /** True when `next` has to be called again at once. */
  get behind(): boolean {
    return !this.#following || this.#number < this.#tail.number;
  }

  /** What is there now; empty when nothing is new, or nothing of it is wanted. */
  async next(limits: NextLimits): Promise<readonly LiveEvent[]> {
    if (this.#following) {
      const entries = this.#tail.from(this.#number, entriesMax);
      if (entries !== undefined) return this.#follow(entries, limits);
      this.#following = false;
    }
    return this.#readHistory(limits);
  }

  #follow(entries: readonly TailEntry[], { bytesMax, eventsMax }: NextLimits): readonly LiveEvent[] {
    const fresh: LiveEvent[] = [];
    let bytes = 0;
    for (const { entry, positions } of entries) {
      if (bytes >= bytesMax || fresh.length >= eventsMax) break;
      this.#number++;
      const isNew = entry.next > (this.#positions[entry.lane] as bigint);
      this.#move(positions);
      if (!isNew || !matches(this.#filter, entry)) continue;
      fresh.push({ entry, positions: this.#positions, common: this.#inStep });
      bytes += entry.record.value.length + 256;
    }
    return fresh;
  }

  /** Never back: the history may have been read further than the tail was when we joined it. */
  #move(tail: Positions): void {
    if (!this.#inStep) this.#inStep = this.#lanes.every((lane) => (this.#positions[lane] as bigint) <= (tail[lane] as bigint));
    this.#positions = this.#inStep ? tail : this.#positions.map((own, lane) => (own > (tail[lane] as bigint) ? own : (tail[lane] as bigint)));
  }

  async #readHistory(limits: NextLimits): Promise<readonly LiveEvent[]> {
    if (this.#catchUp === undefined) {
      // In one breath: whatever comes behind these positions is in the tail from this number on.
      this.#number = this.#tail.number;
      this.#inStep = false;
      this.#catchUp = new CatchUp(this.#log, this.#filter, this.#tail.positions);
    }
    const page = await this.#catchUp.page(this.#positions, limits);
    this.#positions = page.positions;
    if (!page.more) {
      this.#catchUp = undefined;
      this.#following = true;
    }
    return page.events;
  }
}
