import { Cancelling } from './cancelling.ts';
import { ageMs, ageSpreadMs, freshMs, idleMs, NotConnected } from './http1-client.ts';
import { failure } from './http1-request.codec.ts';
import { Http2Exchange } from './http2-exchange.ts';
import { Http2Session } from './http2-session.ts';
import { isWithoutHttp2, type Http2Target, type OpenHttp2 } from './http2-wire.adapter.ts';
import { OriginError, repeatable, type OriginClient, type OriginRequest, type OriginResponse } from './origin-client.ts';

/** For how long an origin that refused one more connection is asked over those that there are, ms. */
const refusedMs = 1000;

export interface Http2ClientInit {
  readonly target: Http2Target;
  /** Of a request that names no other. */
  readonly host: string;
  readonly connectTimeoutMs: number;
  /** At once; what finds all of them full waits for a place, as long as for a new one. */
  readonly sessionsMax: number;
}

export interface Http2ClientDeps {
  readonly open: OpenHttp2;
  readonly now: () => number;
}

/**
 * HTTP/2 to one address. The runtimes' own clients end what nobody wants any more as if all was well (undici), keep a session that
 * does nothing but refuse, or one that the origin has left (Bun), and send no bodies (ADR 62).
 */
export class Http2Client implements OriginClient {
  readonly #init: Http2ClientInit;
  readonly #deps: Http2ClientDeps;
  readonly #sessions = new Set<Http2Session>();
  readonly #waiting: Http2Exchange[] = [];
  #opening = 0;
  #opened = 0;
  /** When one was opened the last time, ms. */
  #openedAtMs = Number.NEGATIVE_INFINITY;
  /** Why one could not be opened the last time. */
  #failed: { readonly error: unknown; readonly atMs: number } | undefined;
  #refusedUntilMs = 0;
  /** Sessions that ended unasked, or were given up. */
  #lost = 0;
  /** Streams of one, as the last one had it. */
  #places = 100;
  #closed = false;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(init: Http2ClientInit, deps: Http2ClientDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  request(request: OriginRequest): Promise<OriginResponse> {
    return new Promise((resolve, reject) => {
      const exchange = new Http2Exchange(request, { resolve, reject });
      if (!exchange.over) this.#ask(exchange);
    });
  }

  /** What is under way goes on to its end. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeping);
    for (const session of [...this.#sessions]) session.giveUp();
  }

  #ask(exchange: Http2Exchange): void {
    const session = this.#sessionFor(exchange.request);
    if (session === undefined) this.#wait(exchange);
    else session.take(exchange);
  }

  #sessionFor(request: OriginRequest): Http2Session | undefined {
    let spare: Http2Session | undefined;
    for (const session of this.#sessions) {
      if (session.isOld && session.isIdle) session.giveUp();
      else if (session.hasRoom && this.#suits(session, request)) return session;
      // Rather one that is in use: it is there.
      else if (session.hasRoom && spare?.isIdle !== false) spare = session;
    }
    if (spare === undefined || this.#mayOpen) return undefined;
    // Where no other may be opened, or can be, what there is has to do.
    if (!this.#isFull || !spare.isIdle) return spare;
    // It makes room for one that suits.
    spare.giveUp();
    return undefined;
  }

  /** Whether nothing better could be opened for it. */
  #suits(session: Http2Session, request: OriginRequest): boolean {
    const mayRepeat = request.body === undefined && repeatable.has(request.method);
    // It may be about to end, where nobody has used it for a while.
    const isFresh = mayRepeat || !session.isIdle || this.#deps.now() - session.idleSinceMs < freshMs;
    return !session.isOld && isFresh && (request.anew !== true || session.lostBefore >= this.#lost);
  }

  get #isFull(): boolean {
    return this.#sessions.size + this.#opening >= this.#init.sessionsMax;
  }

  /** There may be one more, and the origin has not just refused it beside one that goes on. */
  get #mayOpen(): boolean {
    return !this.#isFull && (this.#deps.now() >= this.#refusedUntilMs || (this.#opening === 0 && !this.#isServed));
  }

  /** What waits will have its turn. */
  get #isServed(): boolean {
    for (const { isWell } of this.#sessions) if (isWell) return true;
    return false;
  }

  #wait(exchange: Http2Exchange): void {
    this.#waiting.push(exchange);
    this.#open();
    this.#limit(exchange, this.#deps.now());
  }

  /** @param sinceMs when it began to wait */
  #limit(exchange: Http2Exchange, sinceMs: number): void {
    setTimeout(() => {
      const at = this.#waiting.indexOf(exchange);
      if (at < 0) return;
      const failure = this.#failureSince(sinceMs);
      // The connection that is being opened may have begun later.
      if (failure === undefined) return this.#limit(exchange, sinceMs);
      this.#waiting.splice(at, 1);
      exchange.fail(failure);
    }, this.#init.connectTimeoutMs).unref();
  }

  /** Why who has waited since then waits no longer. */
  #failureSince(sinceMs: number): Error | undefined {
    if (this.#isFull && this.#sessions.size > 0)
      return new OriginError('ORIGIN_BUSY', `All ${this.#init.sessionsMax} connections from this edge to the origin are taken.`);
    if (this.#sessions.size > 0 || this.#openedAtMs >= sinceMs)
      return new OriginError('ORIGIN_BUSY', 'The origin takes no more requests from this edge for the moment.');
    return this.#failed !== undefined && this.#failed.atMs >= sinceMs ? new NotConnected(this.#failed.error) : undefined;
  }

  /** As many as those who wait need. */
  #open(): void {
    if (this.#opening * this.#places >= this.#waiting.length || !this.#mayOpen) return;
    // One that takes nothing for now is waited for: another one of the same origin would hardly take more.
    for (const { takesLater } of this.#sessions) if (takesLater) return;
    this.#opening++;
    const lostBefore = this.#lost;
    this.#connect().then(
      (wire) => {
        this.#opening--;
        this.#openedAtMs = this.#deps.now();
        const retiresAtMs = this.#openedAtMs + ageMs + ((this.#opened++ * 617) % ageSpreadMs);
        this.#use(
          new Http2Session(
            { wire, host: this.#init.host, retiresAtMs, lostBefore },
            { now: this.#deps.now, freed: () => this.#serve(), unseen: (exchange) => this.#ask(exchange), gone: (one, lost) => this.#gone(one, lost) },
          ),
        );
      },
      (error: unknown) => {
        this.#opening--;
        this.#unreachable(error);
      },
    );
  }

  /** Those who wait go on as long as there is another way for them. */
  #unreachable(error: unknown): void {
    const isTold = error instanceof OriginError || isWithoutHttp2(error);
    const nowMs = this.#deps.now();
    this.#failed = { error, atMs: nowMs };
    if (isTold || (this.#opening === 0 && !this.#isServed)) {
      for (const exchange of this.#waiting.splice(0)) exchange.fail(isTold ? error : new NotConnected(error));
      return;
    }
    this.#refusedUntilMs = nowMs + refusedMs;
    setTimeout(() => this.#serve(), refusedMs).unref();
    this.#serve();
  }

  #connect(): ReturnType<OpenHttp2> {
    const { connectTimeoutMs, target } = this.#init;
    const opening = new Cancelling();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(failure('ETIMEDOUT', `The origin took no connection within ${connectTimeoutMs} ms.`));
      opening.abort();
    }, connectTimeoutMs);
    return Promise.race([this.#deps.open(target, opening), late.promise]).finally(() => clearTimeout(timer));
  }

  #use(session: Http2Session): void {
    if (session.isGone) return this.#unreachable(failure('ECONNRESET', 'The origin closed the connection.'));
    this.#sessions.add(session);
    this.#places = Math.max(1, session.places);
    this.#sweeping ??= setInterval(() => this.#sweep(), idleMs / 4).unref();
    this.#serve(session);
    if (this.#closed) session.giveUp();
  }

  /** @param fresh one that nobody has used: it is good for all of them */
  #serve(fresh?: Http2Session): void {
    const left = this.#waiting.splice(0).filter(({ over }) => !over);
    for (const [at, exchange] of left.entries()) {
      const session = fresh?.hasRoom === true ? fresh : this.#sessionFor(exchange.request);
      if (session !== undefined) session.take(exchange);
      else if (this.#hasRoom) this.#waiting.push(exchange);
      else {
        this.#waiting.push(...left.slice(at));
        break;
      }
    }
    this.#open();
  }

  /** For what does not need a better one. */
  get #hasRoom(): boolean {
    for (const { hasRoom } of this.#sessions) if (hasRoom) return true;
    return false;
  }

  #gone(session: Http2Session, lost: boolean): void {
    if (lost) this.#lost++;
    this.#sessions.delete(session);
    if (this.#waiting.length > 0) this.#open();
  }

  #sweep(): void {
    const sinceMs = this.#deps.now() - idleMs;
    for (const session of [...this.#sessions]) if (session.isIdle && (session.isOld || session.idleSinceMs <= sinceMs)) session.giveUp();
    if (this.#sessions.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }
}
