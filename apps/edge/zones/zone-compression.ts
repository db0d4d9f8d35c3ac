import { fieldValue, listMembers, type Field, type Fields } from '#core/http-cache';
import type { ContentCoding, ZoneConfiguration } from '#events';
import { Readable, type Transform } from 'node:stream';
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import type { OriginResponse } from '../origin/origin-client.ts';
import type { ByteSource } from '../server/exchange.ts';
import { codingOf } from './negotiation.ts';
import { fitsType } from './zone-rules.ts';

/** What is text, and not compressed by its own format. */
const textTypes = [
  ...['text/*', 'application/javascript', 'application/json', 'application/manifest+json', 'application/ld+json', 'application/xml', 'application/xhtml+xml'],
  ...['application/rss+xml', 'application/atom+xml', 'application/wasm', 'image/svg+xml', 'application/vnd.apple.mpegurl', 'application/dash+xml'],
  ...['font/ttf', 'font/otf', 'application/graphql-response+json', 'application/problem+json'],
];
const minBytesDefault = 1024;
/** In the order in which a client gets them. */
export const preferred: readonly ContentCoding[] = ['br', 'zstd', 'gzip'];
/** Fields of the bytes as the origin sent them. */
const ofTheBytes = new Set(['content-length', 'content-encoding', 'content-md5', 'digest', 'content-digest', 'repr-digest', 'etag', 'vary', 'accept-ranges']);
const compressedStatuses = new Set([200, 203, 404, 410]);

/** Levels that a server can afford on the way, once per object. */
const makers: Readonly<Record<ContentCoding, () => Coder>> = {
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } }),
  gzip: () => createGzip({ level: 6 }),
};

export interface Compressible {
  readonly method: string;
  /** The codings that the request takes: a list without weights, or the client's own field. */
  readonly accepts: string | undefined;
  readonly ranged: boolean;
}

/** Compresses what the origin sent plain: for everybody who takes a coding, so that it is stored once for each. */
export class ZoneCompression {
  readonly #codings: readonly ContentCoding[];
  readonly #types: readonly string[];
  readonly #minBytes: number;

  constructor({ codings, contentTypes, minBytes }: NonNullable<ZoneConfiguration['compression']>) {
    this.#codings = codings ?? preferred;
    this.#types = contentTypes ?? textTypes;
    this.#minBytes = minBytes ?? minBytesDefault;
  }

  apply(response: OriginResponse, request: Compressible): OriginResponse {
    if (request.ranged || (request.method !== 'GET' && request.method !== 'HEAD') || !this.#suits(response)) return response;
    const varied = withVary(response.fields);
    const coding = codingOf(request.accepts, this.#codings);
    if (coding === undefined || (response.body === null && request.method === 'GET')) return { ...response, fields: varied };
    const body = response.body === null ? null : through(response.body, makers[coding]());
    return { ...response, fields: encodedFields(varied, coding), body };
  }

  #suits({ fields, status }: OriginResponse): boolean {
    if (!compressedStatuses.has(status) || !fitsType(this.#types, fieldValue(fields, 'content-type'))) return false;
    const encoding = fieldValue(fields, 'content-encoding');
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') return false;
    // An event stream is one message after another, for one reader.
    if (fitsType(['text/event-stream'], fieldValue(fields, 'content-type'))) return false;
    // RFC 9111 section 5.2.2.6.
    if (listMembers(fieldValue(fields, 'cache-control') ?? '').some((member) => member.toLowerCase() === 'no-transform')) return false;
    const length = Number(fieldValue(fields, 'content-length') ?? Number.NaN);
    return Number.isNaN(length) || length >= this.#minBytes;
  }
}

/** RFC 9110 section 12.5.3: a weight of zero means "not acceptable". */
export function acceptsCoding(field: string | undefined, coding: ContentCoding): boolean {
  return codingOf(field, [coding]) !== undefined;
}

export function withVary(fields: Fields): Fields {
  const vary = fieldValue(fields, 'vary');
  if (vary !== undefined && listMembers(vary).some((name) => name === '*' || name.toLowerCase() === 'accept-encoding')) return fields;
  return [...fields.filter(([name]) => name !== 'vary'), ['vary', vary === undefined ? 'accept-encoding' : `${vary}, accept-encoding`]];
}

/** RFC 9110 section 8.8.1: other bytes that mean the same have a weak tag. */
export function encodedFields(fields: Fields, coding: ContentCoding): Fields {
  const kept: Field[] = fields.filter(([name]) => !ofTheBytes.has(name));
  const etag = fieldValue(fields, 'etag');
  if (etag !== undefined) kept.push(['etag', etag.startsWith('W/') ? etag : `W/${etag}`]);
  const vary = fieldValue(fields, 'vary');
  if (vary !== undefined) kept.push(['vary', vary]);
  return [...kept, ['content-encoding', coding]];
}

/** What a coder may keep for itself while the origin is silent, ms: then it gives out what it has, at the price of a few bytes. */
const idleMs = 20;

/** A coder that can be told to give out what it has. */
type Coder = Transform & { flush(): void };

async function* chunksOf(source: ByteSource, coder: Coder): AsyncGenerator<Uint8Array> {
  for (let first = true; ; first = false) {
    const idle = first ? undefined : setTimeout(() => coder.flush(), idleMs);
    const bytes = await source.read().finally(() => clearTimeout(idle));
    if (bytes === undefined) return;
    yield bytes;
  }
}

/** A break of the source breaks the result off; nobody takes a part for the whole. */
function through(source: ByteSource, transform: Coder): ByteSource {
  const plain = Readable.from(chunksOf(source, transform));
  plain.once('error', (error) => transform.destroy(error));
  // Whoever reads it hears of the break; this only keeps it from ending the process.
  transform.on('error', () => undefined);
  plain.pipe(transform);
  const chunks = transform[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return {
    read: async () => (await chunks.next()).value as Uint8Array | undefined,
    cancel: () => {
      source.cancel();
      plain.destroy();
      transform.destroy();
    },
  };
}

/**
 * A 304 names the origin's own representation; ours, of other bytes, goes under the weak spelling of its tag. Without
 * this, what is stored would take the strong one over, and lose the Vary that parts it.
 */
export function confirmed(response: OriginResponse, asked: string | undefined): OriginResponse {
  const etag = fieldValue(response.fields, 'etag');
  if (etag === undefined || asked === undefined || etag.startsWith('W/')) return response;
  const weak = `W/${etag}`;
  if (!listMembers(asked).includes(weak)) return response;
  const fields: Fields = response.fields.map(([name, value]) => [name, name === 'etag' ? weak : value] as const);
  return { ...response, fields: fieldValue(fields, 'vary') === undefined ? fields : withVary(fields) };
}
