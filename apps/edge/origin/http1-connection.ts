import type { AfterResponse } from './http1-response.codec.ts';
import { Cancelling } from './cancelling.ts';
import type { Exchange, ExchangeConnection } from './http1-exchange.ts';
import { failure } from './http1-request.codec.ts';
import type { Wire, WireOwner } from './http1-wire.ts';

/** Who has the connections to an origin. */
export interface ConnectionPool {
  /** It has answered, by a body or without, and may be used for another request. */
  rest(connection: Connection, bare: boolean): void;
  /** It will not be used any more. */
  lost(connection: Connection): void;
  /** The origin has sent what nobody has asked for. */
  doubt(): void;
}

/** Some servers say so, unasked, before they close a connection that nobody uses (RFC 9110 section 15.5.9). */
const farewell = /^HTTP\/1\.[01] 408/;

/** A connection to the origin: it takes one request after the other. */
export class Connection implements WireOwner, ExchangeConnection {
  readonly #pool: ConnectionPool;
  /** Ends it where it is not open yet. */
  readonly opening = new Cancelling();
  #wire: Wire | undefined;
  #exchange: Exchange | undefined;
  #paused = false;
  #isUsed = false;
  #isOver = false;
  /** When it was last needed, ms. */
  idleSinceMs = 0;
  /** From when on it takes no other request, ms. */
  readonly retiresAtMs: number;

  constructor(pool: ConnectionPool, retiresAtMs: number) {
    this.#pool = pool;
    this.retiresAtMs = retiresAtMs;
  }

  get isOpen(): boolean {
    return this.#wire !== undefined;
  }

  opened(wire: Wire): void {
    this.opening.tell(undefined);
    if (this.#isOver) wire.terminate();
    else this.#wire = wire;
  }

  take(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.begin(this, this.#isUsed);
    this.#isUsed = true;
  }

  send(bytes: string | Uint8Array): void {
    this.#wire?.write(bytes);
  }

  get isFull(): boolean {
    return this.#wire?.isFull === true;
  }

  drained(): void {
    this.#exchange?.drained();
  }

  received(bytes: Buffer): void {
    const exchange = this.#exchange;
    // Nobody has asked: whatever it is, it is not the answer to what is asked next.
    if (exchange === undefined) return this.#unasked(bytes);
    // It took the connection for idle: nothing of the request was looked at. Of a body some is gone, so that here nobody could ask again:
    // whoever sent it may (RFC 9110 section 15.5.9), and hears 408 for that.
    if (exchange.mayAskAgain && !exchange.reader.begun && farewell.test(bytes.toString('latin1', 0, 12)))
      return exchange.fail(failure('ECONNRESET', 'The origin said goodbye.'));
    try {
      exchange.reader.push(bytes);
    } catch (error) {
      exchange.fail(error);
    }
  }

  /** The origin says no more. */
  finished(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.end();
    try {
      if (exchange.reader.begun) exchange.reader.close();
    } catch (error) {
      exchange.fail(error);
    }
    this.closed();
  }

  closed(error?: unknown): void {
    const exchange = this.#exchange;
    this.#pool.lost(this);
    this.#exchange = undefined;
    this.#wire = undefined;
    this.#isOver = true;
    const code = exchange?.reader.begun === true ? 'ORIGIN_CLOSED' : 'ECONNRESET';
    exchange?.fail(failure(code, 'The origin closed the connection.', error));
  }

  pause(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    if (paused) this.#wire?.pause();
    else this.#wire?.resume();
  }

  /** Its exchange is over. */
  free(after: AfterResponse, bare: boolean): void {
    if (this.#exchange === undefined) return;
    this.#exchange = undefined;
    this.pause(false);
    if (after === 'goes-on') this.#pool.doubt();
    if (after === 'keeps-open' && this.#wire?.isFull === false) this.#pool.rest(this, bare);
    else this.end();
  }

  #unasked(bytes: Buffer): void {
    if (this.#isOver) return;
    if (!farewell.test(bytes.toString('latin1', 0, 12))) this.#pool.doubt();
    this.end();
  }

  end(): void {
    this.#pool.lost(this);
    const wire = this.#wire;
    this.#wire = undefined;
    this.#isOver = true;
    if (wire === undefined) this.opening.abort();
    else wire.terminate();
  }
}
