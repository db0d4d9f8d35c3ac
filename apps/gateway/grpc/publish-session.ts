import type { ServerDuplexStream, StatusObject } from '@grpc/grpc-js';
import { recheckMs } from '../access/authenticator.ts';
import { ProblemError, unavailable } from '../http/problem.errors.ts';
import type { GrpcCaller } from './grpc-calls.ts';

export interface PublishSessionInit {
  readonly admitted: Promise<GrpcCaller>;
  readonly stopping: AbortSignal;
  readonly stillHolds: (caller: GrpcCaller) => Promise<boolean>;
  readonly statusOf: (error: unknown) => StatusObject;
  /** Takes one message in; answers the message about it. */
  readonly take: (bytes: Buffer, caller: GrpcCaller, signal: AbortSignal) => Promise<Uint8Array>;
}

/** Messages taken in that have not been answered. */
const underWayMax = 8;

/** One call of `PublishStream`: messages go in as they come, answers go out in their order, and a slow log slows the client. */
export class PublishSession {
  readonly #call: ServerDuplexStream<Buffer, Uint8Array>;
  readonly #init: PublishSessionInit;
  readonly #gone = new AbortController();
  #answered: Promise<void> = Promise.resolve();
  #underWay = 0;
  /** Ends the wait for the answer that is being written: nothing calls back when the client goes. */
  #written: () => void = () => undefined;
  #isOver = false;
  #checkAt = performance.now() + recheckMs;

  constructor(call: ServerDuplexStream<Buffer, Uint8Array>, init: PublishSessionInit) {
    this.#call = call;
    this.#init = init;
  }

  start(): void {
    const call = this.#call;
    const { admitted, stopping } = this.#init;
    const stop = (): void => this.#fail(unavailable('This server ends. Send what was not answered to another one, with the same ids.'));
    admitted.catch((error: unknown) => this.#fail(error));
    stopping.addEventListener('abort', stop, { once: true });
    call.on('data', (bytes: Buffer) => this.#take(bytes));
    // The half-close may arrive before the last answers left.
    call.on('end', () => void this.#answered.then(() => this.#end()));
    call.on('cancelled', () => this.#close());
    call.on('close', () => {
      this.#close();
      stopping.removeEventListener('abort', stop);
    });
    if (stopping.aborted) stop();
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return;
    if (++this.#underWay >= underWayMax) this.#call.pause();
    const outcome = this.#outcome(bytes);
    // Whoever fails first ends the call; what comes after it has nobody to be told.
    outcome.catch(() => undefined);
    this.#answered = this.#answered.then(() => outcome).then((answer) => this.#write(answer));
    this.#answered = this.#answered.catch((error: unknown) => this.#fail(error));
  }

  async #outcome(bytes: Buffer): Promise<Uint8Array> {
    const caller = await this.#init.admitted;
    if (performance.now() >= this.#checkAt) {
      this.#checkAt = performance.now() + recheckMs;
      if (!(await this.#init.stillHolds(caller)))
        throw new ProblemError({ status: 401, code: 'unauthenticated', detail: 'The credential of this call has ended.' });
    }
    return this.#init.take(bytes, caller, this.#gone.signal);
  }

  /** Resolves when HTTP/2 has taken the answer: a client that reads none gets no more in. */
  #write(answer: Uint8Array): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#written = resolve;
      this.#call.write(answer, () => {
        if (--this.#underWay < underWayMax && !this.#isOver) this.#call.resume();
        resolve();
      });
    });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call.end();
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call.emit('error', this.#init.statusOf(error));
    this.#call.resume();
  }

  #close(): void {
    this.#isOver = true;
    this.#gone.abort();
    this.#written();
  }
}
