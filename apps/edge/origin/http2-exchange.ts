import { fieldValue, type Field, type Fields } from '#core/http-cache';
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { ByteSource } from '../server/exchange.ts';
import { HeldBody } from './held-body.ts';
import { BodyFraming, failure } from './http1-request.codec.ts';
import { checksFrames } from './http2-wire.adapter.ts';
import { repeatable, type OriginRequest, type OriginResponse } from './origin-client.ts';

/** Of what comes where no body may be, bytes. */
const unwantedBytesMax = 64 * 1024;
/** How often a request goes out at which the origin has not looked. */
const triesMax = 10;
/** The same where the origin says that it is asked for too much, as some do by the session: the next one is another. */
const calmTriesMax = 4;
const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

/** Of one connection alone, and of its framing (RFC 9113 section 8.2.2). */
const ofConnection = new Set(['host', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'expect', 'te']);

/** Fields that are said more than once in one: RFC 9110 section 5.3, and RFC 9113 section 8.2.3. */
export function headersOf({ fields, method, target }: OriginRequest, host: string): OutgoingHttpHeaders {
  // Without what every object has: a field may be called `constructor`.
  const headers = Object.create(null) as OutgoingHttpHeaders;
  Object.assign(headers, { ':method': method, ':scheme': 'https', ':authority': fieldValue(fields, 'host') ?? host, ':path': target });
  for (const [name, value] of fields) {
    if (ofConnection.has(name)) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : `${String(before)}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return headers;
}

function fieldsOf(raw: readonly string[]): Fields {
  const fields: Field[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    if (!name.startsWith(':')) fields.push([name.toLowerCase(), raw[at + 1] as string]);
  }
  return fields;
}

/** How an exchange came to its end. */
export interface Http2Outcome {
  /** The head of its answer came. */
  readonly answered: boolean;
  /** By which the origin ended it; undefined where it was ended here, or with its session. */
  readonly code: number | undefined;
  /** The origin has not looked at it, and it may go out once more. */
  readonly again: boolean;
}

export interface Http2ExchangeEnds {
  readonly resolve: (response: OriginResponse) => void;
  readonly reject: (error: unknown) => void;
}

/** One request and its response over HTTP/2. It is the body of its response. */
export class Http2Exchange implements ByteSource {
  readonly request: OriginRequest;
  readonly #ends: Http2ExchangeEnds;
  #stream: ClientHttp2Stream | undefined;
  #left: (outcome: Http2Outcome) => void = () => undefined;
  #tries = 0;
  readonly #body = new HeldBody((holds) => (holds ? this.#stream?.pause() : this.#stream?.resume()));
  #came = 0;
  /** What it says of its length. */
  #stated: number | undefined;
  #none = false;
  answered = false;
  /** The origin has said that this is all. */
  #isWhole = false;
  /** All of it is here. */
  #isEnded = false;
  #uploaded: boolean;

  constructor(request: OriginRequest, ends: Http2ExchangeEnds) {
    this.request = request;
    this.#ends = ends;
    this.#uploaded = request.body === undefined;
    if (request.cancelling.aborted) this.cancel();
    else request.cancelling.tell(() => this.cancel());
  }

  get over(): boolean {
    return !this.#body.isOpen;
  }

  /** Nothing of its answer has come, and another connection may have it. */
  get mayAskAgain(): boolean {
    return !this.answered && this.request.body === undefined && repeatable.has(this.request.method);
  }

  get streamId(): number {
    return this.#stream?.id ?? 0;
  }

  /** @param left told once, when it needs its stream no more */
  begin(stream: ClientHttp2Stream, left: (outcome: Http2Outcome) => void): void {
    this.#stream = stream;
    this.#left = left;
    this.#tries++;
    this.#tellWhole(stream);
    // It may have gone out on another one since.
    stream.on('response', (headers, _flags, raw?: readonly string[]) => stream === this.#stream && this.#answer(headers, raw ?? []));
    stream.on('data', (bytes: Buffer) => stream === this.#stream && this.#take(bytes));
    // On Bun one that was broken off ends as well, destroyed.
    stream.on('end', () => stream === this.#stream && this.#isWhole && !stream.destroyed && this.#end());
    stream.on('error', (error) => stream === this.#stream && this.#broken(error));
    stream.on('close', () => stream === this.#stream && this.#broken(undefined));
    if (this.request.body !== undefined) void this.#upload(this.request.body, stream).catch((error: unknown) => this.fail(error));
  }

  /** The response will not come, or not to its end. */
  fail(error: unknown, code?: number): void {
    if (this.over) return;
    this.#body.fail(error instanceof Error ? error : new Error(String(error)));
    if (!this.answered) this.#ends.reject(error);
    this.#settle(code);
  }

  /** The origin has said that it did not look at it. */
  refused(error: unknown, code: number = NGHTTP2_REFUSED_STREAM): void {
    if (this.over) return;
    // Of a body some was taken: whoever has it from the beginning may ask again.
    if (!this.answered && this.request.body !== undefined && code === NGHTTP2_REFUSED_STREAM)
      return this.fail(failure('HTTP2_UNSEEN', 'The origin has not looked at it.', error), code);
    if (this.answered || this.request.body !== undefined || this.#tries >= (code === NGHTTP2_REFUSED_STREAM ? triesMax : calmTriesMax))
      return this.fail(error, code);
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined && !stream.closed) stream.close(NGHTTP2_CANCEL);
    this.#left({ answered: false, code, again: true });
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#body.read();
  }

  cancel(): void {
    this.fail(new Error('Nobody wants it any more.'));
  }

  /**
   * What the origin has ended, and what it has broken off without an error, end alike. Node says beforehand that a stream which was
   * broken off is closed.
   */
  #tellWhole(stream: ClientHttp2Stream): void {
    const push = stream.push.bind(stream);
    let isFirst = true;
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && isFirst) {
        isFirst = false;
        this.#isWhole = !stream.closed;
      }
      return push(chunk, encoding);
    };
  }

  #answer(headers: IncomingHttpHeaders, raw: readonly string[]): void {
    if (this.over) return;
    const status = Number(headers[':status']);
    const fields = fieldsOf(raw);
    this.answered = true;
    this.#none = this.request.method === 'HEAD' || status === 204 || status === 304;
    const length = fieldValue(fields, 'content-length');
    this.#stated = this.#none || length === undefined ? undefined : Number(length);
    this.#ends.resolve({ status, fields, body: this.#none ? null : this, endsWithConnection: false });
    if (this.#isEnded) this.#end();
  }

  #take(bytes: Buffer): void {
    if (this.over) return;
    // RFC 9113 section 8.1. Node has seen to that itself, and may tell of the head only after what came with it.
    if (!this.answered && !checksFrames) return this.fail(failure('HTTP2_MALFORMED', 'A body came before its head.'));
    this.#came += bytes.length;
    if (this.#none) {
      if (this.#came > unwantedBytesMax) this.cancel();
      return;
    }
    this.#body.add(bytes);
  }

  #end(): void {
    if (this.over) return;
    this.#isEnded = true;
    // Node may tell of the head later.
    if (!this.answered) return;
    // RFC 9113 section 8.1.1.
    if (this.#stated !== undefined && this.#stated !== this.#came) return this.fail(failure('HTTP2_MALFORMED', 'The body has not the length that it says.'));
    this.#body.end();
    this.#settle(NGHTTP2_NO_ERROR, true);
  }

  /** @param error undefined when it is closed, which all of them are at last */
  #broken(error: unknown): void {
    if (this.over) return;
    const code = this.#stream?.rstCode;
    // Nothing was done with it, or nothing was sent at all; else what it says.
    const isLost = code === undefined || code === NGHTTP2_CANCEL || isOfSession(error);
    const isCalmed = code === NGHTTP2_ENHANCE_YOUR_CALM && repeatable.has(this.request.method);
    if (!this.answered && (code === NGHTTP2_REFUSED_STREAM || isCalmed)) return this.refused(failure('HTTP2_REFUSED', 'The origin refused it.', error), code);
    const name = isLost && !this.answered ? 'ECONNRESET' : 'HTTP2_BROKEN';
    this.fail(failure(name, `The origin broke off its stream (${String(code)}).`, error), code ?? NGHTTP2_CANCEL);
  }

  #settle(code: number | undefined, isComplete = false): void {
    this.request.cancelling.tell(undefined);
    const stream = this.#stream;
    if (!this.#uploaded) this.request.body?.cancel();
    // An answer may come before the request is over: nobody needs the rest of that.
    if (stream !== undefined && !stream.closed && (!isComplete || !this.#uploaded)) stream.close(NGHTTP2_CANCEL);
    stream?.resume();
    const left = this.#left;
    // Whoever keeps what came of it keeps no session with it.
    this.#stream = undefined;
    this.#left = () => undefined;
    left({ answered: this.answered, code, again: false });
  }

  /** As fast as the origin takes it. */
  async #upload(source: ByteSource, stream: ClientHttp2Stream): Promise<void> {
    const framing = new BodyFraming(this.request);
    while (!this.over) {
      const bytes = await source.read();
      if (this.over) return;
      // It is told of too much and too little, as over HTTP/1.1; the frames are HTTP/2's.
      if (bytes === undefined) framing.end();
      else framing.piece(bytes);
      if (bytes !== undefined && bytes.length > 0 && !stream.write(bytes)) await drained(stream);
      if (!framing.isWhole) continue;
      this.#uploaded = true;
      stream.end();
      return;
    }
  }
}

/** What was said of the whole session. */
const isOfSession = (error: unknown): boolean =>
  ['ERR_HTTP2_SESSION_ERROR', 'ERR_HTTP2_GOAWAY_SESSION', 'ECONNRESET', 'EPIPE'].includes(String((error as { code?: unknown } | undefined)?.code));

function drained(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
