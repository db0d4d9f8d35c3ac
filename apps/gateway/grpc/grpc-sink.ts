import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import { ProblemError, unavailable } from '../http/problem.errors.ts';
import type { Delivery, SubscriptionEnd, SubscriptionSink } from '../events/subscription.ts';
import type { LiveEvent } from '../events/log-entry.ts';
import { encodeEvent, EventBatch } from './event-batch.codec.ts';
import type { statusOf } from './grpc-status.ts';

export type SubscribeCall = ServerWritableStream<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>;

export interface GrpcSinkInit {
  readonly call: SubscribeCall;
  readonly batchEventsMax: number;
  /** Events that the client has asked for; undefined when it takes what comes. */
  readonly credit: Credit | undefined;
  readonly tokenOf: (event: LiveEvent) => string;
  readonly statusOf: (error: unknown, token: string) => ReturnType<typeof statusOf>;
}

/** Messages that may be on their way to HTTP/2 at once: one is sent while the next is made. */
const underWayMax = 2;
/** How long a client that was cut off may take to fetch the reason, ms; then its stream is reset. */
const farewellMs = 1_000;
/** HTTP/2 error code CANCEL (RFC 9113 section 7). */
const cancel = 8;

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

/** Why a subscription ends, in words; the token says where to go on. */
function farewell(end: Exclude<SubscriptionEnd, 'client-gone' | 'failed'>): ProblemError {
  switch (end) {
    case 'too-slow':
      return new ProblemError({ status: 409, code: 'slow-reader', detail: 'This reader took nothing for too long. Resume with the token.' });
    case 'not-allowed':
      return new ProblemError({ status: 401, code: 'unauthenticated', detail: 'The credential of this call has ended.' });
    case 'stopping':
      return unavailable('This server ends. Resume with the token, on another one.');
  }
}

/**
 * Writes a subscription to a gRPC call. grpc-js would queue sixteen messages before it says stop; here a message is written
 * when HTTP/2 has taken the one before the last, so that a client that does not read costs two.
 */
export class GrpcSink implements SubscriptionSink {
  readonly #init: GrpcSinkInit;
  readonly transport = 'grpc';
  #underWay = 0;
  #wake: () => void = () => undefined;
  gone = false;

  constructor(init: GrpcSinkInit) {
    this.#init = init;
  }

  get ready(): boolean {
    return this.#underWay < underWayMax && !this.held;
  }

  get held(): boolean {
    return this.#init.credit?.left === 0 && this.#underWay < underWayMax;
  }

  get eventsMax(): number {
    return Math.min(this.#init.batchEventsMax, this.#init.credit?.left ?? Number.POSITIVE_INFINITY);
  }

  watch(wake: () => void): void {
    const { call, credit } = this.#init;
    this.#wake = wake;
    if (credit !== undefined) credit.wake = wake;
    const gone = (): void => {
      this.gone = true;
      wake();
    };
    call.on('cancelled', gone);
    call.on('close', gone);
    if (call.cancelled) this.gone = true;
  }

  /** A token before the first event, so that a client can resume from its beginning. */
  open(token: string): void {
    this.beat(token);
  }

  deliver({ events, live }: Delivery): void {
    const { batchEventsMax, tokenOf, credit } = this.#init;
    for (let at = 0; at < events.length; at += batchEventsMax) {
      const part = events.slice(at, at + batchEventsMax);
      const batch = new EventBatch(part.reduce((sum, { entry }) => sum + entry.record.value.length + 640, 0));
      for (const { entry } of part) {
        // What is new goes to all readers of this process: it is encoded once for them.
        if (live) batch.addEncoded(entry.shared('grpc', () => encodeEvent(entry.topic, entry.record)));
        else batch.add(entry.topic, entry.record);
      }
      this.#write(batch.finish(tokenOf(part.at(-1) as LiveEvent), live));
    }
    if (credit !== undefined) credit.left -= events.length;
  }

  beat(token: string): void {
    this.#write(new EventBatch(0).finish(token, false));
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    const { call } = this.#init;
    call.emit('error', this.#init.statusOf(end === 'failed' ? error : farewell(end), token));
    const reset = setTimeout(() => resetStream(call), farewellMs);
    call.on('close', () => clearTimeout(reset));
    reset.unref();
  }

  #write(message: Buffer): void {
    this.#underWay++;
    this.#init.call.write(message, () => {
      this.#underWay--;
      this.#wake();
    });
  }
}

/**
 * A status waits behind the messages that the client does not take, and holds them in memory. grpc-js has no way to give
 * up on such a client, its HTTP/2 stream has.
 */
export function resetStream(call: SubscribeCall): void {
  const { stream } = (call as unknown as { call: { stream?: { destroyed: boolean; close(code: number): void } } }).call;
  if (stream !== undefined && !stream.destroyed) stream.close(cancel);
}
