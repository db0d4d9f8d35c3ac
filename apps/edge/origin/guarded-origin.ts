import { fieldValue } from '#core/http-cache';
import type { EdgeCounters } from '../edge-counters.ts';
import type { ByteSource } from '../server/exchange.ts';
import { Cancelling } from './cancelling.ts';
import { OriginError, type OriginClient, type OriginRequest, type OriginResponse } from './origin-client.ts';

export interface OriginLimits {
  /** Until the head of the response is there, ms. */
  readonly headTimeoutMs: number;
  /** The same where the origin is asked for what is not there yet, and waits for it on purpose, ms. */
  readonly waitTimeoutMs: number;
  /** Between two pieces of a body that somebody waits for, ms. */
  readonly silenceTimeoutMs: number;
  /** How long an origin that nobody can connect to is left in peace, ms. */
  readonly downMs: number;
  /** The same where it refuses connections at once, ms; no longer than the other. */
  readonly refusedMs: number;
  /** Fields of a response, bytes. */
  readonly headBytesMax: number;
}

export interface GuardedRequest extends Omit<OriginRequest, 'cancelling'> {
  /** The cache key that it is for, which chooses among several origins. */
  readonly key?: string | undefined;
  /** Asked on behalf of everybody: not what one client sent. */
  readonly shared?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Nothing stored can stand in for the answer: an origin that is away for a moment is waited for, where it is worth it. */
  readonly patient?: boolean | undefined;
  /** An event stream may say nothing for as long as it likes. */
  readonly mayBeSilent?: boolean;
}

/** Where fills and requests that pass through get their responses. */
export interface OriginSource {
  /** @throws OriginError when there is no usable response; whatever the signal's abort throws. */
  request(request: GuardedRequest): Promise<OriginResponse>;
}

/** Blocking playlist reloads, segments that come next, and parts of them: the origin holds them for three target durations (RFC 8216bis section 6.2.5.2). */
const waits = /[?&]_HLS_msn=|^\/live\/[^?]*\/(?:p\d+-)?\d+(?:\.\d+\.\w+)?\.m4s$/;
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ConnectionRefused',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'FailedToOpenSocket',
]);
/** Nobody listens there: that costs nothing to find out, and whoever starts anew is soon back. */
const refusedCodes = new Set(['ECONNREFUSED', 'ConnectionRefused']);
/** The signs of a pooled connection that the origin closed in the moment in which it was used again. */
const droppedCodes = new Set(['ECONNRESET', 'ORIGIN_RESET', 'UND_ERR_SOCKET', 'EPIPE', 'ConnectionClosed']);

/** What OpenSSL and BoringSSL, by Node and by Bun, say of a certificate. */
const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED|INVALID_PURPOSE/;

function codeOf(error: unknown): string {
  return error instanceof Error ? String((error as { code?: unknown }).code ?? '') : '';
}

/** The connection ended before anything of the answer had come. */
export function isDropped(error: unknown): boolean {
  return error instanceof OriginError && droppedCodes.has(codeOf(error.cause));
}

/** A time limit that can be stopped and started over. */
class Deadline {
  passed = false;
  readonly #ms: number;
  readonly #abort: Cancelling;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, abort: Cancelling) {
    this.#ms = ms;
    this.#abort = abort;
  }

  start(): void {
    this.stop();
    this.#timer = setTimeout(() => {
      this.passed = true;
      this.#abort.abort();
    }, this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** The origin's time to answer runs while it has something of the request to take in, and from its end; not while the client is slow. */
function uploading(body: ByteSource, deadline: Deadline): ByteSource {
  return {
    read: async () => {
      deadline.stop();
      const bytes = await body.read();
      deadline.start();
      return bytes;
    },
    cancel: () => body.cancel(),
  };
}

/** RFC 9110 sections 15.3.7 and 15.4.5: a part, and that nothing has changed, answer those alone who asked for it. */
function checkAsked({ fields, method }: GuardedRequest, { body, status }: OriginResponse): void {
  const says = (name: string): boolean => fieldValue(fields, name) !== undefined;
  const reads = method === 'GET' || method === 'HEAD';
  const unasked = (status === 304 && reads && !says('if-none-match') && !says('if-modified-since')) || (status === 206 && reads && !says('range'));
  if (!unasked) return;
  body?.cancel();
  throw new OriginError('ORIGIN_INVALID', `The origin answered with status ${status} to a request that did not ask for it.`);
}

/**
 * The origin with its limits: a time to answer, a time between two pieces, one more try on a fresh connection, and a
 * short rest when nobody can connect to it.
 */
export class GuardedOrigin implements OriginSource {
  readonly #client: OriginClient;
  readonly #limits: OriginLimits;
  readonly #counters: EdgeCounters;
  readonly #now: () => number;
  #downUntilMs = 0;
  #downCause: unknown;

  constructor(client: OriginClient, limits: OriginLimits, counters: EdgeCounters, now: () => number) {
    this.#client = client;
    this.#limits = limits;
    this.#counters = counters;
    this.#now = now;
  }

  /** @throws OriginError when there is no usable response; whatever the signal's abort throws. */
  async request(request: GuardedRequest): Promise<OriginResponse> {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (reads && this.#now() < this.#downUntilMs) throw new OriginError('ORIGIN_UNREACHABLE', 'The origin cannot be reached.', this.#downCause);
    try {
      return await this.#attempt(request);
    } catch (error) {
      // RFC 9110 section 9.2.2: a client may repeat an idempotent request on its own when the connection was lost.
      // Of a body the first attempt has taken some.
      if (!reads || request.body !== undefined || request.signal?.aborted === true || !isDropped(error)) throw error;
      return await this.#attempt(request, true);
    }
  }

  /** @param anew over a connection that nobody has used: idle ones end together */
  async #attempt(request: GuardedRequest, anew = false): Promise<OriginResponse> {
    const abort = new Cancelling();
    const forward = (): void => abort.abort();
    request.signal?.addEventListener('abort', forward, { once: true });
    if (request.signal?.aborted === true) abort.abort();
    const timeoutMs = waits.test(request.target) ? this.#limits.waitTimeoutMs : this.#limits.headTimeoutMs;
    const deadline = new Deadline(timeoutMs, abort);
    const body = request.body === undefined ? undefined : uploading(request.body, deadline);
    if (body === undefined) deadline.start();
    this.#counters.originFetches++;
    try {
      const response = await this.#client.request({ ...request, body, cancelling: abort, anew });
      this.#check(response);
      checkAsked(request, response);
      return { ...response, body: response.body === null ? null : this.#guardBody(response.body, abort, request) };
    } catch (error) {
      request.signal?.removeEventListener('abort', forward);
      if (request.signal?.aborted === true) throw error;
      throw this.#explain(error, deadline.passed ? timeoutMs : undefined);
    } finally {
      deadline.stop();
    }
  }

  #check(response: OriginResponse): void {
    let bytes = 0;
    for (const [name, value] of response.fields) bytes += name.length + value.length + 4;
    if (response.status >= 200 && response.status <= 599 && bytes <= this.#limits.headBytesMax) return;
    response.body?.cancel();
    throw new OriginError('ORIGIN_INVALID', `The origin answered with status ${response.status} and ${bytes} bytes of fields.`);
  }

  #explain(error: unknown, lateMs: number | undefined): OriginError {
    this.#counters.originErrors++;
    if (error instanceof OriginError) return error;
    if (lateMs !== undefined) return new OriginError('ORIGIN_TIMEOUT', `The origin did not answer within ${lateMs} ms.`, error);
    if (unreachableCodes.has(codeOf(error))) {
      const { downMs, refusedMs } = this.#limits;
      this.#downUntilMs = this.#now() + (refusedCodes.has(codeOf(error)) ? Math.min(downMs, refusedMs) : downMs);
      this.#downCause = error;
      return new OriginError('ORIGIN_UNREACHABLE', 'The origin cannot be reached.', error);
    }
    if (untrusted.test(codeOf(error))) return new OriginError('ORIGIN_UNTRUSTED', `The certificate of the origin cannot be trusted: ${codeOf(error)}.`, error);
    return new OriginError('ORIGIN_INVALID', 'The origin gave no valid HTTP response.', error);
  }

  #guardBody(body: ByteSource, abort: Cancelling, request: GuardedRequest): ByteSource {
    const silenceMs = request.mayBeSilent === true ? 0 : this.#limits.silenceTimeoutMs;
    return {
      read: async () => {
        let late = false;
        const timer = silenceMs === 0 ? undefined : setTimeout(() => ((late = true), abort.abort()), silenceMs);
        try {
          const bytes = await body.read();
          if (bytes !== undefined) this.#counters.bytesFromOrigin += bytes.length;
          return bytes;
        } catch (error) {
          if (request.signal?.aborted !== true) this.#counters.originErrors++;
          throw late
            ? new OriginError('ORIGIN_TIMEOUT', `The origin was silent for ${silenceMs} ms.`, error)
            : new OriginError('ORIGIN_BROKEN', 'The origin broke off its response.', error);
        } finally {
          clearTimeout(timer);
        }
      },
      cancel: () => {
        body.cancel();
        abort.abort();
      },
      rest: () => {
        const bytes = body.rest?.();
        if (bytes !== undefined) this.#counters.bytesFromOrigin += bytes.length;
        return bytes;
      },
    };
  }
}
