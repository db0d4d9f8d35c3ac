import type { LiveEvent } from './log-entry.ts';
import { Alarm } from './alarm.ts';
import type { LiveReader } from './live-reader.ts';
import type { Turns } from './turns.ts';
import type { Positions } from './event-filter.core.ts';

export type SubscriptionEnd = 'client-gone' | 'too-slow' | 'stopping' | 'not-allowed' | 'failed';

/** What is written at once: events, and whether they are new or history. */
export interface Delivery {
  readonly events: readonly LiveEvent[];
  readonly live: boolean;
}

/** One reader's connection, whatever its protocol. */
export interface SubscriptionSink {
  /** What its readers are counted as: `sse`, `ndjson`, `websocket`, `grpc`, `watch`. */
  readonly transport?: string;
  /** False while what was written has not left, or the reader has asked for no more: nothing may be written then. */
  readonly ready: boolean;
  /** True when the reader itself holds back, which costs us nothing: it is not slow. */
  readonly held: boolean;
  readonly gone: boolean;
  /** Most events of the next delivery. */
  readonly eventsMax: number;
  /** Calls `wake` whenever one of the above may have changed. */
  watch(wake: () => void): void;
  open(token: string): void;
  deliver(delivery: Delivery): void;
  /** Nothing happened, or nothing that the filter wants: the token moves all the same. */
  beat(token: string): void;
  /** The last thing. `token` resumes behind everything that was written; `error` says what failed. */
  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void;
}

export interface SubscriptionInit {
  readonly sink: SubscriptionSink;
  readonly reader: LiveReader;
  /** For reading history: records are objects, and weigh far more than their bytes. */
  readonly turns: Turns;
  readonly formatToken: (positions: Positions) => string;
  /** Aborted when the process ends. */
  readonly stopping: AbortSignal;
  /** Registers for news of the log; answers how to end that. */
  readonly watchLog: (wake: () => void) => () => void;
  readonly heartbeatMs: number;
  /** How long a reader may take nothing while something waits for it, ms. */
  readonly stallMs: number;
  /** How often `stillAllowed` is asked, ms. */
  readonly checkMs: number;
  /** False ends the subscription. */
  readonly stillAllowed: () => Promise<boolean>;
  /** Least time between two deliveries of new events, ms: with many readers, few writes of many events. */
  readonly paceMs: () => number;
  /** Most bytes to read for one delivery: the bound of all readers, shared among them. */
  readonly bytesMax: () => number;
}

/** What a reader gets that has not shown yet how fast it is, bytes. */
const firstBytes = 8_192;

/**
 * Hands the log to one reader for as long as it keeps up. Nothing is queued: the next events are read when the last have
 * left. A reader that takes nothing for `stallMs` is cut off with the token that brings it back to where it was.
 */
export class Subscription {
  readonly #init: SubscriptionInit;
  readonly #alarm = new Alarm();
  #bytes = firstBytes;
  #blockedAt: number | undefined;
  #beatAt = 0;
  #checkAt = 0;
  #paceAt = 0;
  /** True while news of the log may end a sleep: a reader that is blocked or paced has no use for them. */
  #listening = false;

  constructor(init: SubscriptionInit) {
    this.#init = init;
  }

  async run(): Promise<SubscriptionEnd> {
    const { sink, reader, stopping, watchLog, formatToken } = this.#init;
    const unwatch = watchLog(() => {
      if (this.#listening) this.#alarm.ring();
    });
    stopping.addEventListener('abort', this.#alarm.ring, { once: true });
    sink.watch(this.#alarm.ring);
    let end: SubscriptionEnd;
    let error: unknown;
    try {
      sink.open(formatToken(reader.positions));
      end = await this.#pump();
    } catch (failure) {
      error = failure;
      end = sink.gone ? 'client-gone' : 'failed';
    } finally {
      unwatch();
      stopping.removeEventListener('abort', this.#alarm.ring);
    }
    if (end !== 'client-gone') sink.end(end, formatToken(reader.positions), error);
    return end;
  }

  async #pump(): Promise<SubscriptionEnd> {
    const { sink, heartbeatMs, checkMs } = this.#init;
    this.#beatAt = performance.now() + heartbeatMs;
    this.#checkAt = performance.now() + checkMs;
    for (;;) {
      const now = performance.now();
      const end = await this.#reasonToEnd(now);
      if (end !== undefined) return end;
      const waitMs = sink.ready ? await this.#inTurn(now) : this.#blocked(now);
      if (waitMs > 0) await this.#alarm.sleep(waitMs);
      this.#listening = false;
    }
  }

  /** What is read in a turn is written in it: until then it is memory. */
  async #inTurn(now: number): Promise<number> {
    const { reader, turns } = this.#init;
    if (!reader.readsHistory) return this.#step(now);
    await turns.enter();
    try {
      return await this.#step(performance.now());
    } finally {
      turns.leave();
    }
  }

  async #reasonToEnd(now: number): Promise<SubscriptionEnd | undefined> {
    const { sink, stopping, stillAllowed, checkMs, stallMs } = this.#init;
    if (sink.gone) return 'client-gone';
    if (stopping.aborted) return 'stopping';
    if (this.#blockedAt !== undefined && !sink.ready && !sink.held && now - this.#blockedAt >= stallMs) return 'too-slow';
    if (now < this.#checkAt) return undefined;
    this.#checkAt = now + checkMs;
    return (await stillAllowed()) ? undefined : 'not-allowed';
  }

  /** Something waits for the reader; ms until it has to be looked at again. */
  #blocked(now: number): number {
    const { sink, stallMs } = this.#init;
    if (sink.held) this.#blockedAt = undefined;
    else this.#blockedAt ??= now;
    const cutAt = this.#blockedAt === undefined ? this.#checkAt : this.#blockedAt + stallMs;
    return Math.max(1, Math.min(cutAt, this.#checkAt) - now);
  }

  /** Reads and writes once; ms until there is something to do again. */
  async #step(now: number): Promise<number> {
    const { sink, reader, formatToken, heartbeatMs } = this.#init;
    this.#adapt(now);
    const live = reader.live;
    if (live && reader.behind && now < this.#paceAt) return this.#paceAt - now;
    const events = await reader.next({ bytesMax: Math.min(this.#bytes, this.#init.bytesMax()), eventsMax: sink.eventsMax });
    if (sink.gone) return 0;
    if (events.length > 0) {
      sink.deliver({ events, live });
      this.#paceAt = now + this.#init.paceMs();
      this.#beatAt = now + heartbeatMs;
    } else if (now >= this.#beatAt) {
      sink.beat(formatToken(reader.positions));
      this.#beatAt = now + heartbeatMs;
    }
    // In one breath with the look at the tail, so that nothing comes between.
    this.#listening = true;
    return reader.behind ? 0 : Math.max(1, Math.min(this.#beatAt, this.#checkAt) - performance.now());
  }

  /** Who takes at once what it gets, gets more of it at a time. */
  #adapt(now: number): void {
    const slow = this.#blockedAt !== undefined && now - this.#blockedAt > 50;
    this.#bytes = slow ? firstBytes : Math.min(this.#bytes * 2, this.#init.bytesMax());
    this.#blockedAt = undefined;
  }
}
