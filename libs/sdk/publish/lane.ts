import type { OutgoingEvent } from '../event/index.ts';
import type { PublishResult } from '../transport.ts';

export interface LaneInit {
  readonly batchEventsMax: number;
  readonly batchBytesMax: number;
  /** How long a batch that is not full waits for company, ms. */
  readonly lingerMs: number;
  /** Never throws; one result per event. */
  deliver(events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]>;
  settle(event: OutgoingEvent, result: PublishResult): void;
}

/** A queue with one batch under way: what goes through one lane keeps its order whatever has to be tried again. */
export class Lane {
  readonly #init: LaneInit;
  #queue: OutgoingEvent[] = [];
  #bytes = 0;
  #isSending = false;
  #isHurried = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idle: Array<() => void> = [];

  constructor(init: LaneInit) {
    this.#init = init;
  }

  add(event: OutgoingEvent): void {
    this.#queue.push(event);
    this.#bytes += event.bytes;
    this.#next();
  }

  /** Resolves once everything added so far has its outcome. */
  flush(): Promise<void> {
    if (this.#queue.length === 0 && !this.#isSending) return Promise.resolve();
    this.#isHurried = true;
    this.#next();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    if (this.#isSending || this.#queue.length === 0) return;
    const { batchEventsMax, batchBytesMax, lingerMs } = this.#init;
    if (this.#isHurried || this.#queue.length >= batchEventsMax || this.#bytes >= batchBytesMax) return void this.#send();
    this.#timer ??= setTimeout(() => void this.#send(), lingerMs);
  }

  async #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isSending = true;
    const batch = this.#take();
    const results = await this.#init.deliver(batch);
    batch.forEach((event, at) => this.#init.settle(event, results[at] as PublishResult));
    this.#isSending = false;
    if (this.#queue.length > 0) return this.#next();
    this.#isHurried = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #take(): OutgoingEvent[] {
    const { batchEventsMax, batchBytesMax } = this.#init;
    let count = 0;
    let bytes = 0;
    for (const event of this.#queue) {
      if (count === batchEventsMax || (count > 0 && bytes + event.bytes > batchBytesMax)) break;
      bytes += event.bytes;
      count++;
    }
    this.#bytes -= bytes;
    return this.#queue.splice(0, count);
  }
}
