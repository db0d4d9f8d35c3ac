import type { ServerDuplexStream, ServerWritableStream, StatusObject } from '@grpc/grpc-js';
import type { SubscriptionEnd } from '../events/subscription.ts';
import { ProblemError, unavailable } from '../http/problem.errors.ts';

export type StreamCall = ServerWritableStream<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>;

/** Messages that may be on their way to HTTP/2 at once: one is sent while the next is made. */
const underWayMax = 2;
/** How long a client that was cut off may take to fetch the reason, ms; then its stream is reset. */
const farewellMs = 1_000;
/** HTTP/2 error code CANCEL (RFC 9113 section 7). */
const cancel = 8;

/** Why a stream ends, in words; the token says where to go on. */
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
 * Writes messages to a call. grpc-js would queue sixteen of them before it says stop; here a message is written when HTTP/2
 * has taken the one before the last, so that a client that does not read costs two.
 */
export class GrpcWriter {
  readonly #call: StreamCall;
  readonly #statusOf: (error: unknown, token: string) => StatusObject;
  #underWay = 0;
  #wake: () => void = () => undefined;
  gone = false;

  constructor(call: StreamCall, statusOf: (error: unknown, token: string) => StatusObject) {
    this.#call = call;
    this.#statusOf = statusOf;
  }

  get hasRoom(): boolean {
    return this.#underWay < underWayMax;
  }

  watch(wake: () => void): void {
    this.#wake = wake;
    const gone = (): void => {
      this.gone = true;
      wake();
    };
    this.#call.on('cancelled', gone);
    this.#call.on('close', gone);
    if (this.#call.cancelled) this.gone = true;
  }

  write(message: Uint8Array): void {
    this.#underWay++;
    this.#call.write(message, () => {
      this.#underWay--;
      this.#wake();
    });
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    this.#call.emit('error', this.#statusOf(end === 'failed' ? error : farewell(end), token));
    const reset = setTimeout(() => this.#reset(), farewellMs);
    this.#call.on('close', () => clearTimeout(reset));
    reset.unref();
  }

  /**
   * A status waits behind the messages that the client does not take, and holds them in memory. grpc-js has no way to give
   * up on such a client, its HTTP/2 stream has.
   */
  #reset(): void {
    const { stream } = (this.#call as unknown as { call: { stream?: { destroyed: boolean; close(code: number): void } } }).call;
    if (stream !== undefined && !stream.destroyed) stream.close(cancel);
  }
}
