import { Cancelling } from './cancelling.ts';
import { ageMs, ageSpreadMs, freshMs, idleMs, NotConnected } from './http1-client.ts';
import { failure } from './http1-request.codec.ts';
import { Http2Exchange } from './http2-exchange.ts';
import { Http2Session } from './http2-session.ts';
import { isWithoutHttp2, type Http2Target, type OpenHttp2 } from './http2-wire.adapter.ts';
import { OriginError, repeatable, type OriginClient, type OriginRequest, type OriginResponse } from './origin-client.ts';

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
    const mayRepeat = request.body === undefined && repeatable.has(request.method);
    for (const session of this.#sessions) {
      if (session.isOld) {
        if (session.isIdle) session.giveUp();
        continue;
      }
      // It may be about to end, where nobody has used it for a while.
      const isFresh = mayRepeat || !session.isIdle || this.#deps.now() - session.idleSinceMs < freshMs;
      const isAnew = request.anew !== true || session.lostBefore >= this.#lost;
      if (isFresh && isAnew && session.hasRoom) return session;
    }
    return undefined;
  }

  get #isFull(): boolean {
    return this.#sessions.size + this.#opening >= this.#init.sessionsMax;
  }

  #wait(exchange: Http2Exchange): void {
    this.#waiting.push(exchange);
    this.#open();
    setTimeout(() => this.#giveUp(exchange), this.#init.connectTimeoutMs).unref();
  }

  #giveUp(exchange: Http2Exchange): void {
    const at = this.#isFull ? this.#waiting.indexOf(exchange) : -1;
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    exchange.fail(new OriginError('ORIGIN_BUSY', `All ${this.#init.sessionsMax} connections from this edge to the origin are taken.`));
  }

  /** As many as those who wait need. */
  #open(): void {
    if (this.#opening * this.#places >= this.#waiting.length || this.#isFull) return;
    // One that takes nothing for now is waited for: another one of the same origin would not take more.
    for (const { takesLater } of this.#sessions) if (takesLater) return;
    this.#opening++;
    const lostBefore = this.#lost;
    this.#connect().then(
      (wire) => {
        this.#opening--;
        const retiresAtMs = this.#deps.now() + ageMs + ((this.#opened++ * 617) % ageSpreadMs);
        this.#use(
          new Http2Session(
            { wire, host: this.#init.host, retiresAtMs, lostBefore },
            { now: this.#deps.now, freed: () => this.#serve(), unseen: (exchange) => this.#ask(exchange), gone: (one, lost) => this.#gone(one, lost) },
          ),
        );
      },
      (error: unknown) => {
        this.#opening--;
        const isTold = error instanceof OriginError || isWithoutHttp2(error);
        for (const exchange of this.#waiting.splice(0)) exchange.fail(isTold ? error : new NotConnected(error));
      },
    );
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
    if (session.isGone) {
      for (const exchange of this.#waiting.splice(0)) exchange.fail(new NotConnected(failure('ECONNRESET', 'The origin closed the connection.')));
      return;
    }
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
      if (session === undefined) {
        this.#waiting.push(...left.slice(at));
        break;
      }
      session.take(exchange);
    }
    this.#open();
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
