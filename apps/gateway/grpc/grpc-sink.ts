import type { LiveEvent } from '../events/log-entry.ts';
import type { Delivery, SubscriptionEnd, SubscriptionSink } from '../events/subscription.ts';
import { encodeEvent, EventBatch } from './event-batch.codec.ts';
import type { GrpcWriter } from './grpc-writer.ts';

export interface GrpcSinkInit {
  readonly writer: GrpcWriter;
  readonly batchEventsMax: number;
  /** Events that the client has asked for; undefined when it takes what comes. */
  readonly credit: Credit | undefined;
  readonly tokenOf: (event: LiveEvent) => string;
}

/** What a client allows, in events. */
export class Credit {
  left = 0;
  /** Called when there is more. */
  wake: () => void = () => undefined;

  add(events: number): void {
    this.left = Math.min(this.left + events, Number.MAX_SAFE_INTEGER);
    this.wake();
  }
}

/** Writes a subscription as messages of many events. */
export class GrpcSink implements SubscriptionSink {
  readonly #init: GrpcSinkInit;
  readonly transport = 'grpc';

  constructor(init: GrpcSinkInit) {
    this.#init = init;
  }

  get ready(): boolean {
    return this.#init.writer.hasRoom && !this.held;
  }

  get held(): boolean {
    return this.#init.credit?.left === 0 && this.#init.writer.hasRoom;
  }

  get gone(): boolean {
    return this.#init.writer.gone;
  }

  get eventsMax(): number {
    return Math.min(this.#init.batchEventsMax, this.#init.credit?.left ?? Number.POSITIVE_INFINITY);
  }

  watch(wake: () => void): void {
    this.#init.writer.watch(wake);
    if (this.#init.credit !== undefined) this.#init.credit.wake = wake;
  }

  /** A token before the first event, so that a client can resume from its beginning. */
  open(token: string): void {
    this.beat(token);
  }

  deliver({ events, live }: Delivery): void {
    const { batchEventsMax, tokenOf, credit, writer } = this.#init;
    for (let at = 0; at < events.length; at += batchEventsMax) {
      const part = events.slice(at, at + batchEventsMax);
      const batch = new EventBatch(part.reduce((sum, { entry }) => sum + entry.record.value.length + 640, 0));
      for (const { entry } of part) {
        // What is new goes to all readers of this process: it is encoded once for them.
        if (live) batch.addEncoded(entry.shared('grpc', () => encodeEvent(entry.topic, entry.shown)));
        else batch.add(entry.topic, entry.shown);
      }
      writer.write(batch.finish(tokenOf(part.at(-1) as LiveEvent), live));
    }
    if (credit !== undefined) credit.left -= events.length;
  }

  beat(token: string): void {
    this.#init.writer.write(new EventBatch(0).finish(token, false));
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    this.#init.writer.end(end, token, error);
  }
}
