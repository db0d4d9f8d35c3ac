import type { ByteSource } from '../server/exchange.ts';
import { edgeLimits } from '../edge.constants.ts';
import { HeldBody } from './held-body.ts';
import { BodyFraming, requestHead } from './http1-request.codec.ts';
import { Http1Response, type AfterResponse, type FieldLines, type Http1Head, type Http1Sink } from './http1-response.codec.ts';
import { repeatable, type OriginRequest, type OriginResponse } from './origin-client.ts';

export interface ExchangeEnds {
  readonly resolve: (response: OriginResponse) => void;
  readonly reject: (error: unknown) => void;
  readonly lines: FieldLines;
}

/** The connection that an exchange is on. */
export interface ExchangeConnection {
  send(bytes: string | Uint8Array): void;
  readonly isFull: boolean;
  pause(paused: boolean): void;
  /** The exchange is over; its response had a body, or was bare. */
  free(after: AfterResponse, bare: boolean): void;
}

/** One request and its response on a connection. It is the body of its response. */
export class Exchange implements Http1Sink, ByteSource {
  readonly #request: OriginRequest;
  readonly #head: string | Uint8Array;
  readonly #resolve: (response: OriginResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly reader: Http1Response;
  /** Undefined before and after its time on a connection. */
  #connection: ExchangeConnection | undefined;
  readonly #body = new HeldBody((holds) => this.#connection?.pause(holds));
  #isOnUsed = false;
  #bare = true;
  #answered = false;
  #uploaded: boolean;
  #emptied: PromiseWithResolvers<void> | undefined;
  readonly #abort = (): void => this.cancel();

  constructor(request: OriginRequest, host: string, { lines, reject, resolve }: ExchangeEnds) {
    this.#request = request;
    this.#head = requestHead(request, host);
    this.#uploaded = request.body === undefined;
    this.#resolve = resolve;
    this.#reject = reject;
    this.reader = new Http1Response(request.method, edgeLimits.origin.headBytesMax, this, lines);
    if (request.cancelling.aborted) this.cancel();
    else request.cancelling.tell(this.#abort);
  }

  /** It takes a connection that nobody has used. */
  get anew(): boolean {
    return this.#request.anew === true;
  }

  /** What came so far may be about what was before, and another connection may have the request. */
  get mayAskAgain(): boolean {
    const { body, method } = this.#request;
    return this.#isOnUsed && body === undefined && repeatable.has(method);
  }

  get over(): boolean {
    return !this.#body.isOpen;
  }

  /** @param isUsed by another before, since when the origin may have given it up */
  begin(connection: ExchangeConnection, isUsed: boolean): void {
    this.#connection = connection;
    this.#isOnUsed = isUsed;
    connection.send(this.#head);
    if (this.#request.body !== undefined) void this.#upload(this.#request.body).catch((error: unknown) => this.fail(error));
  }

  /** What was written has gone out. */
  drained(): void {
    this.#emptied?.resolve();
    this.#emptied = undefined;
  }

  head({ endsWithConnection, fields, status }: Http1Head): void {
    this.#answered = true;
    const none = this.#request.method === 'HEAD' || status === 204 || status === 304;
    // Who waits hears of it when all that came with it was looked at: most bodies are whole by then.
    this.#resolve({ status, fields, body: none ? null : this, endsWithConnection });
  }

  body(bytes: Uint8Array): void {
    this.#bare = false;
    this.#body.add(bytes);
  }

  end(after: AfterResponse): void {
    this.#request.cancelling.tell(undefined);
    this.#body.end();
    // An answer may come before the request is over: the rest of that would be the beginning of the next.
    this.#leave(this.#uploaded ? after : 'closes');
  }

  /** The response will not come, or not to its end. */
  fail(error: unknown): void {
    if (this.over) return;
    this.#request.cancelling.tell(undefined);
    if (!this.#answered) this.#reject(error);
    this.#body.fail(error instanceof Error ? error : new Error(String(error)));
    this.#leave('closes');
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#body.read();
  }

  rest(): Uint8Array | undefined {
    return this.#body.rest();
  }

  cancel(): void {
    this.fail(new Error('Nobody wants it any more.'));
  }

  #leave(after: AfterResponse): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.drained();
    if (!this.#uploaded) this.#request.body?.cancel();
    connection?.free(after, this.#bare);
  }

  /** As fast as the connection takes it. */
  async #upload(source: ByteSource): Promise<void> {
    const framing = new BodyFraming(this.#request);
    while (this.#connection !== undefined && !this.#uploaded) {
      const bytes = await source.read();
      // Its time on the connection may be over.
      if (this.#connection === undefined) return;
      const piece = bytes === undefined ? framing.end() : framing.piece(bytes);
      this.#uploaded = framing.isWhole;
      if (piece !== undefined) this.#connection.send(piece);
      if (!this.#uploaded && this.#connection.isFull) await (this.#emptied = Promise.withResolvers()).promise;
    }
  }
}
