import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { failure } from './http1-request.codec.ts';
import { headersOf, type Http2Exchange, type Http2Outcome } from './http2-exchange.ts';
import type { Http2Wire } from './http2-wire.adapter.ts';

/** At once on one session, whatever the origin allows. */
const streamsMax = 100;
/** A session on which so many in a row went without an answer is given up. */
const failuresMax = 3;
/** When the origin is asked whether it is there, where something is under way and nothing comes, ms. */
const silentMs = 1500;
/** How soon it has to say so, or what is new goes elsewhere, ms. */
const echoMs = 1000;
/** When what may be asked twice goes elsewhere as well, ms. */
const goneMs = 3000;
/** How long one that takes nothing is kept, in case the origin says that it takes more, ms. */
const nothingMs = 1000;
/** What is asked for in vain for so long, on a session on which nothing comes at all, is no fault of the request, ms. */
const deafMs = 4000;

export interface Http2SessionInit {
  readonly wire: Http2Wire;
  /** Of the origin, where a request names no other. */
  readonly host: string;
  /** From when on it takes no other request, ms. */
  readonly retiresAtMs: number;
  /** How many sessions were lost before it was opened. */
  readonly lostBefore: number;
}

export interface Http2SessionDeps {
  readonly now: () => number;
  /** A place on it is free. */
  readonly freed: () => void;
  /** The origin has not looked at it. */
  readonly unseen: (exchange: Http2Exchange) => void;
  /** It takes no more requests. @param lost it was not ended here, or gave nothing but errors */
  readonly gone: (session: Http2Session, lost: boolean) => void;
}

/** A connection to the origin that takes many requests at once. */
export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #init: Http2SessionInit;
  readonly #deps: Http2SessionDeps;
  readonly #exchanges = new Set<Http2Exchange>();
  #failures = 0;
  #heardAtMs = 0;
  #isGone = false;
  /** When it was asked whether the origin is there, ms; undefined where it said so. */
  #askedAtMs: number | undefined;
  #looking: NodeJS.Timeout | undefined;
  #barred: NodeJS.Timeout | undefined;
  /** When it was last needed, ms. */
  idleSinceMs: number;

  constructor(init: Http2SessionInit, deps: Http2SessionDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#session = init.wire.session;
    this.idleSinceMs = deps.now();
    this.#session.on('remoteSettings', () => {
      if (this.hasRoom) deps.freed();
      this.#checkPlaces();
    });
    this.#session.on('goaway', (_code, lastStreamId) => this.#leave(lastStreamId));
    this.#session.on('close', () => this.#lost(undefined));
    this.#session.on('error', (error) => this.#lost(error));
    // It may have gone before anybody listened.
    if (this.#session.destroyed || this.#session.closed) this.#lost(undefined);
    this.#checkPlaces();
  }

  get isIdle(): boolean {
    return this.#exchanges.size === 0;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get lostBefore(): number {
    return this.#init.lostBefore;
  }

  get isOld(): boolean {
    return this.#deps.now() >= this.#init.retiresAtMs;
  }

  /** How many requests it takes at once. */
  get places(): number {
    return Math.min(streamsMax, this.#session.remoteSettings.maxConcurrentStreams ?? streamsMax);
  }

  /** The origin lets it take nothing, and may say otherwise in a moment (RFC 9113 section 5.1.2). */
  get takesLater(): boolean {
    return !this.#isGone && this.places === 0;
  }

  /** It takes requests, now or when others are done. */
  get isWell(): boolean {
    const { closed, destroyed } = this.#session;
    return !this.#isGone && !this.#isDoubtful && !closed && !destroyed && this.places > 0;
  }

  get hasRoom(): boolean {
    return this.isWell && this.#exchanges.size < this.places;
  }

  take(exchange: Http2Exchange): void {
    const { request } = exchange;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(headersOf(request, this.#init.host), { endStream: request.body === undefined });
    } catch (error) {
      const { code } = error as { code?: unknown };
      const isLost = code === 'ERR_HTTP2_GOAWAY_SESSION' || code === 'ERR_HTTP2_INVALID_SESSION';
      if (isLost) this.giveUp(true);
      return exchange.fail(failure(isLost ? 'ECONNRESET' : 'REQUEST_INVALID', 'The request cannot be sent over HTTP/2.', error));
    }
    const sentAtMs = this.#deps.now();
    this.#exchanges.add(exchange);
    stream.on('response', () => this.#heard());
    stream.on('data', () => this.#heard());
    this.#looking ??= setInterval(() => this.#look(), silentMs / 3).unref();
    exchange.begin(stream, (outcome) => this.#over(exchange, outcome, sentAtMs));
  }

  /** It may have gone without a sign: Node reads nothing more of one whose last write does not end. What is new goes elsewhere meanwhile. */
  get #isDoubtful(): boolean {
    return this.#askedAtMs !== undefined && this.#deps.now() - this.#askedAtMs >= echoMs;
  }

  /** Of one that may take nothing for longer nobody knows whether another one might. */
  #checkPlaces(): void {
    if (!this.takesLater || this.#barred !== undefined) return;
    this.#barred = setTimeout(() => {
      this.#barred = undefined;
      if (this.takesLater) this.giveUp();
    }, nothingMs).unref();
  }

  #look(): void {
    if (this.isIdle || this.#isGone) {
      clearInterval(this.#looking);
      this.#looking = undefined;
      this.#askedAtMs = undefined;
      return;
    }
    const nowMs = this.#deps.now();
    if (this.#askedAtMs !== undefined && nowMs - this.#askedAtMs >= goneMs) return this.#abandon();
    if (this.#askedAtMs !== undefined || nowMs - Math.max(this.#heardAtMs, this.idleSinceMs) < silentMs) return;
    this.#askedAtMs = nowMs;
    try {
      this.#session.ping((error) => error === null && this.#heard());
    } catch {
      // It has gone, which it says itself.
    }
  }

  #abandon(): void {
    const repeated = [...this.#exchanges].filter(({ mayAskAgain }) => mayAskAgain);
    this.giveUp(true);
    for (const exchange of repeated) exchange.refused(failure('ECONNRESET', 'Nothing comes from the origin any more.'));
  }

  #heard(): void {
    this.#heardAtMs = this.#deps.now();
    const wasDoubtful = this.#isDoubtful;
    this.#askedAtMs = undefined;
    if (wasDoubtful) this.#deps.freed();
  }

  /** What is under way goes on to its end. */
  giveUp(lost = false): void {
    if (!this.#isGone) {
      this.#isGone = true;
      this.#deps.gone(this, lost);
    }
    if (this.isIdle) this.#init.wire.terminate();
  }

  #over(exchange: Http2Exchange, { again, answered, code }: Http2Outcome, sentAtMs: number): void {
    this.#exchanges.delete(exchange);
    this.idleSinceMs = this.#deps.now();
    if (answered) this.#failures = 0;
    else if (code !== undefined) this.#failures++;
    const isDeaf = !answered && code === undefined && this.#heardAtMs < sentAtMs && this.idleSinceMs - sentAtMs >= deafMs;
    if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM || this.#failures >= failuresMax || isDeaf) this.giveUp(true);
    else if (this.#isGone || (this.isOld && this.isIdle)) this.giveUp();
    else this.#deps.freed();
    if (again) this.#deps.unseen(exchange);
  }

  /** RFC 9113 section 6.8: what came later than that stream was not looked at. */
  #leave(lastStreamId: number): void {
    const unseen = [...this.#exchanges].filter(({ streamId }) => streamId > lastStreamId);
    this.giveUp(true);
    for (const exchange of unseen) exchange.refused(failure('ECONNRESET', 'The origin leaves.'));
  }

  #lost(error: unknown): void {
    this.giveUp(true);
    for (const exchange of [...this.#exchanges]) {
      exchange.fail(failure(exchange.answered ? 'HTTP2_BROKEN' : 'ECONNRESET', 'The origin closed the connection.', error), constants.NGHTTP2_CANCEL);
    }
  }
}
