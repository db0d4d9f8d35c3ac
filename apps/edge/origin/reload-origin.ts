import { fieldValue, type Field, type Fields } from '#core/http-cache';
import type { ContentCoding } from '#events';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import { sourceOfBytes } from '../server/exchange.ts';
import { acceptsCoding, encodedFields, withVary } from '../zones/zone-compression.ts';
import type { GuardedRequest, OriginSource } from './guarded-origin.ts';
import { OriginError, type OriginResponse } from './origin-client.ts';

export interface ReloadOriginDeps {
  readonly origin: OriginSource;
  /** Of the purges so far: what was asked for before one is not handed to who asks after it. */
  readonly generation: () => number;
  readonly now: () => number;
}

/** A reload that the origin holds until there is something new (RFC 8216bis section 6.2.5.2). */
const reload = /^\/live\/[^?]*\.m3u8\?(?:.*&)?_HLS_msn=/;
/** What makes an answer that of one request. */
const particular = ['range', 'if-none-match', 'if-modified-since', 'authorization'];
/** Whoever waited asks at once when it is there. */
const keptMs = 1000;
/** Reloads that are held or kept; beyond that each asks for itself. */
const reloadsMax = 10_000;
/** A longer answer is for one coding alone, bytes. */
const textBytesMax = 1024 * 1024;
/** Below it the frame of a compressed text is most of what is saved, bytes. */
const bytesMin = 256;

/** Cheapest first, for a text that lives for a second. */
const codings: readonly ContentCoding[] = ['zstd', 'br', 'gzip'];
const coders: Readonly<Record<ContentCoding, (text: Uint8Array) => Promise<Buffer>>> = {
  zstd: (text) => promisify(zstdCompress)(text, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }),
  br: (text) => promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } }),
  gzip: (text) => promisify(gzip)(text),
};

/** What came of one wait, for all codings. */
interface Reloaded {
  readonly status: number;
  readonly fields: Fields;
  readonly text: Uint8Array;
  readonly coded: Map<ContentCoding, Promise<Uint8Array>>;
}

interface Waiting {
  readonly generation: number;
  /** Undefined for an answer that is not for all; the one who asked has it. */
  readonly reloaded: Promise<Reloaded | undefined>;
  /** Infinity while it is held. */
  untilMs: number;
}

/**
 * Lets the origin hold one request for a reload, whatever codings those who wait for it take: it is asked for plain, and
 * compressed here once for each coding. What each of them gets is what the origin would have sent it.
 */
export class ReloadOrigin implements OriginSource {
  readonly #deps: ReloadOriginDeps;
  readonly #waiting = new Map<string, Waiting>();

  constructor(deps: ReloadOriginDeps) {
    this.#deps = deps;
  }

  async request(request: GuardedRequest): Promise<OriginResponse> {
    const { generation, origin } = this.#deps;
    const { fields, method, shared, target } = request;
    if (shared !== true || method !== 'GET' || !reload.test(target) || particular.some((name) => fieldValue(fields, name) !== undefined))
      return origin.request(request);
    const known = this.#waiting.get(target);
    if (known !== undefined && known.generation === generation()) {
      const reloaded = await known.reloaded.catch(() => undefined);
      return reloaded === undefined ? origin.request(request) : codedFor(reloaded, fieldValue(fields, 'accept-encoding'));
    }
    this.#forgetOld();
    return this.#waiting.size >= reloadsMax ? origin.request(request) : this.#begin(request);
  }

  async #begin(request: GuardedRequest): Promise<OriginResponse> {
    const { generation, now, origin } = this.#deps;
    const plain: Field[] = [...request.fields.filter(([name]) => name !== 'accept-encoding'), ['accept-encoding', 'identity']];
    const settled = Promise.withResolvers<Reloaded | undefined>();
    // Nobody else may have been waiting.
    settled.promise.catch(() => undefined);
    const waiting: Waiting = { generation: generation(), reloaded: settled.promise, untilMs: Number.POSITIVE_INFINITY };
    this.#waiting.set(request.target, waiting);
    const forget = (): void => {
      if (this.#waiting.get(request.target) === waiting) this.#waiting.delete(request.target);
    };
    try {
      const response = await origin.request({ ...request, fields: plain });
      const reloaded = await wholeOf(response);
      settled.resolve(reloaded);
      if (reloaded === undefined) {
        forget();
        return response;
      }
      waiting.untilMs = now() + keptMs;
      return await codedFor(reloaded, fieldValue(request.fields, 'accept-encoding'));
    } catch (error) {
      forget();
      settled.reject(error);
      throw error;
    }
  }

  /** What nobody asks for any more. */
  #forgetOld(): void {
    const nowMs = this.#deps.now();
    for (const [target, { untilMs }] of this.#waiting) {
      if (untilMs <= nowMs) this.#waiting.delete(target);
    }
  }
}

/** Undefined for what is passed on as it comes: a refusal, what the origin has compressed, or what is longer than a playlist is. */
async function wholeOf({ body, fields, status }: OriginResponse): Promise<Reloaded | undefined> {
  const length = Number(fieldValue(fields, 'content-length') ?? Number.NaN);
  if (status !== 200 || body === null || fieldValue(fields, 'content-encoding') !== undefined || !(length <= textBytesMax)) return undefined;
  const chunks: Uint8Array[] = [];
  let missing = length;
  // All of it is here with the last byte: that nothing follows is told a turn of the event loop later.
  while (missing > 0) {
    const bytes = await body.read();
    if (bytes === undefined) throw new OriginError('ORIGIN_BROKEN', `The origin promised ${length} bytes and sent ${length - missing}.`);
    chunks.push(bytes);
    missing -= bytes.length;
  }
  void body.read().catch(() => undefined);
  return { status, fields, text: chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks), coded: new Map() };
}

async function codedFor(reloaded: Reloaded, accepted: string | undefined): Promise<OriginResponse> {
  const { coded, fields, status, text } = reloaded;
  const varied = withVary(fields);
  const coding = text.length < bytesMin ? undefined : codings.find((each) => acceptsCoding(accepted, each));
  if (coding === undefined) return { status, fields: varied, body: sourceOfBytes(text) };
  const making = coded.get(coding) ?? coders[coding](text);
  coded.set(coding, making);
  const bytes = await making;
  return { status, fields: [...encodedFields(varied, coding), ['content-length', String(bytes.length)]], body: sourceOfBytes(bytes) };
}
