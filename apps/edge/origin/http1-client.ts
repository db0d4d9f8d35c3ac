import { Connection, type ConnectionPool } from './http1-connection.ts';
import { Exchange } from './http1-exchange.ts';
import { failure } from './http1-request.codec.ts';
import { FieldLines } from './http1-response.codec.ts';
import { Rest } from './http1-rest.ts';
import type { OpenWire, WireTarget } from './http1-wire.ts';
import { OriginError, repeatable, type OriginClient, type OriginRequest, type OriginResponse } from './origin-client.ts';

/** What is not asked for any more is let go, ms. */
export const idleMs = 30_000;
/** An origin may let go of a connection in the moment in which it is used again. What cannot be asked twice takes one that most keep for longer, ms. */
export const freshMs = 4000;
/** How long a connection over which a body came is left alone before it is used again, and up to twice as long, ms. */
const restMs = 25;
/**
 * The same after an answer without a body, behind which a body is likely. An origin that collects small writes (Nagle's algorithm,
 * which is how sockets come) sends it when what went before is acknowledged, which takes the system 40 ms, ms.
 */
const bareRestMs = 60;
/** For how long an origin that did so is asked on connections of their own, ms. */
const doubtMs = 600_000;
/**
 * A connection that is used all the time would never see that the origin's name leads elsewhere: after so long it ends when it has
 * answered, and the next looks the name up, ms.
 */
export const ageMs = 60_000;
/** Those that were opened together do not end together: up to so much later, ms. */
export const ageSpreadMs = 15_000;

/** There was no connection: nothing of the request was sent. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected';
  readonly code: string;

  constructor(error: unknown) {
    super('The origin cannot be reached.', { cause: error });
    const { code } = error as { code?: unknown };
    this.code = typeof code === 'string' ? code : 'FailedToOpenSocket';
  }
}

export interface Http1ClientInit {
  readonly target: WireTarget;
  /** Of a request that names no other. */
  readonly host: string;
  readonly connectTimeoutMs: number;
  /** At once; what is asked for beyond that waits for one, as long as for a new one. */
  readonly connectionsMax: number;
}

export interface Http1ClientDeps {
  readonly open: OpenWire;
  readonly now: () => number;
}

/**
 * HTTP/1.1 to one address. Unlike the runtimes' own clients, which give a stream for every body, it knows at once when all of one is here
 * with its head (ADR 54), and it uses no connection again before it has seen that nothing follows the answer (ADR 62).
 */
export class Http1Client implements OriginClient, ConnectionPool {
  readonly #init: Http1ClientInit;
  readonly #deps: Http1ClientDeps;
  readonly #lines = new FieldLines();
  /** The one that was used last is used next, so that those too many grow old. */
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];
  readonly #connections = new Set<Connection>();
  #opening = 0;
  #closed = false;
  #sweeping: NodeJS.Timeout | undefined;
  readonly #rest = new Rest(restMs, (connection) => this.#use(connection));
  readonly #bareRest = new Rest(bareRestMs, (connection) => this.#use(connection));
  /** Given up before they were open, and not gone yet. */
  #abandoned = 0;
  #doubtUntilMs = 0;
  #opened = 0;

  constructor(init: Http1ClientInit, deps: Http1ClientDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  request(request: OriginRequest): Promise<OriginResponse> {
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(request, this.#init.host, { resolve, reject, lines: this.#lines });
      if (exchange.over) return;
      const idle = this.#youngIdle();
      const goodForMs = request.body === undefined && repeatable.has(request.method) ? idleMs : freshMs;
      if (idle === undefined || exchange.anew || this.#deps.now() - idle.idleSinceMs >= goodForMs) return this.#wait(exchange);
      this.#idle.pop();
      idle.take(exchange);
    });
  }

  /** What is under way goes on to its end. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endUnused();
    clearInterval(this.#sweeping);
    if (this.#waiting.every(({ over }) => over)) this.#endOpening();
  }

  rest(connection: Connection, bare: boolean): void {
    if (this.#closed || this.#isInDoubt || this.#isOld(connection)) return connection.end();
    (bare ? this.#bareRest : this.#rest).add(connection);
  }

  lost(connection: Connection): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#open();
  }

  doubt(): void {
    this.#doubtUntilMs = this.#deps.now() + doubtMs;
    this.#endUnused();
  }

  /** The one that was used last. */
  #youngIdle(): Connection | undefined {
    for (let idle = this.#idle.at(-1); idle !== undefined; idle = this.#idle.at(-1)) {
      if (!this.#isOld(idle)) return idle;
      idle.end();
    }
    return undefined;
  }

  #isOld({ retiresAtMs }: Connection): boolean {
    return this.#deps.now() >= retiresAtMs;
  }

  get #isInDoubt(): boolean {
    return this.#doubtUntilMs > 0 && this.#deps.now() < this.#doubtUntilMs;
  }

  #endUnused(): void {
    for (const connection of this.#idle.splice(0)) connection.end();
    this.#rest.end();
    this.#bareRest.end();
  }

  #endOpening(): void {
    for (const connection of [...this.#connections]) if (!connection.isOpen) connection.end();
  }

  #use(connection: Connection, isNew = false): void {
    const next = this.#nextWaiting(isNew);
    if (next !== undefined) return connection.take(next);
    // Who waits waits for one that nobody has used.
    const givesWay = this.#waiting.length > 0 && this.#isFull;
    if (this.#closed || this.#isInDoubt || givesWay) return connection.end();
    connection.idleSinceMs = this.#deps.now();
    this.#idle.push(connection);
    this.#sweeping ??= setInterval(() => this.#sweep(), idleMs / 4).unref();
  }

  #wait(exchange: Exchange): void {
    this.#waiting.push(exchange);
    if (exchange.anew && this.#isFull) this.#idle[0]?.end();
    this.#open();
    if (this.#isFull) setTimeout(() => this.#giveUp(exchange), this.#init.connectTimeoutMs).unref();
  }

  get #isFull(): boolean {
    return this.#connections.size + this.#abandoned >= this.#init.connectionsMax;
  }

  #giveUp(exchange: Exchange): void {
    const at = this.#isFull ? this.#waiting.indexOf(exchange) : -1;
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    exchange.fail(new OriginError('ORIGIN_BUSY', `All ${this.#init.connectionsMax} connections from this edge to the origin are taken.`));
  }

  /** One for each who waits, as far as there may be so many. */
  #open(): void {
    if (this.#opening >= this.#waiting.length || this.#isFull) return;
    const connection = new Connection(this, this.#deps.now() + ageMs + ((this.#opened++ * 617) % ageSpreadMs));
    this.#connections.add(connection);
    this.#opening++;
    this.#connect(connection).then(
      () => {
        this.#opening--;
        // The origin may have closed it already, or talked unasked.
        if (connection.isOpen) this.#use(connection, true);
        else this.#unreachable(failure('ECONNRESET', 'The origin closed the connection.'));
      },
      (error: unknown) => {
        this.#opening--;
        this.#connections.delete(connection);
        this.#unreachable(error);
      },
    );
  }

  #connect(connection: Connection): Promise<void> {
    const { connectTimeoutMs, target } = this.#init;
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    let abandoned = false;
    const timer = setTimeout(() => {
      // It may still come, and is one of ours until it is gone.
      abandoned = true;
      this.#abandoned++;
      connection.end();
      reject(failure('ETIMEDOUT', `The origin took no connection within ${connectTimeoutMs} ms.`));
    }, connectTimeoutMs);
    this.#deps
      .open(target, connection, connection.opening)
      .then((wire) => {
        connection.opened(wire);
        resolve();
      }, reject)
      .finally(() => {
        clearTimeout(timer);
        if (!abandoned) return;
        this.#abandoned--;
        this.#open();
      });
    return promise;
  }

  /** One who waits goes without an answer for each connection that there is none of. */
  #unreachable(error: unknown): void {
    this.#nextWaiting(true)?.fail(error instanceof OriginError ? error : new NotConnected(error));
    this.#open();
  }

  /** Whoever has gone meanwhile is passed over. */
  #nextWaiting(isNew: boolean): Exchange | undefined {
    for (let at = 0; at < this.#waiting.length;) {
      const next = this.#waiting[at] as Exchange;
      if (!next.over && next.anew && !isNew) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      if (!next.over) return next;
    }
    return undefined;
  }

  #sweep(): void {
    const sinceMs = this.#deps.now() - idleMs;
    const old = this.#idle.filter((connection) => connection.idleSinceMs <= sinceMs || this.#isOld(connection));
    for (const connection of old) connection.end();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }
}
