import { fieldValue } from '#core/http-cache';
import type { OriginRequest } from './origin-client.ts';

/** What could end a line, and with it the head, of a request. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const breaks = /[\x00-\x08\x0a-\x1f\x7f]/;
// eslint-disable-next-line no-control-regex -- all that is ASCII
const ascii = /^[\x00-\x7f]*$/;

export function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

/** A body without a length goes in chunks. @throws Error when it would be more than one request */
export function requestHead({ body, fields, method, target }: OriginRequest, host: string): string | Uint8Array {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  let hasHost = false;
  let hasLength = false;
  for (const [name, value] of fields) {
    if (name === 'host') hasHost = true;
    else if (name === 'content-length') hasLength = true;
    if (breaks.test(value) || breaks.test(name)) throw failure('REQUEST_INVALID', 'A field of the request holds a control character.');
    text += `${name}: ${value}\r\n`;
  }
  if (!hasHost) text += `host: ${host}\r\n`;
  if (body !== undefined && !hasLength) text += 'transfer-encoding: chunked\r\n';
  if (breaks.test(target) || target.includes(' ')) throw failure('REQUEST_INVALID', 'The target of the request is none.');
  text += '\r\n';
  return ascii.test(text) ? text : Buffer.from(text, 'latin1');
}

const lastChunk = Buffer.from('0\r\n\r\n');

/** How the body of a request is written behind its head. */
export class BodyFraming {
  /** What is still to come of one that has said its length. */
  #left: number | undefined;
  #ended = false;

  constructor({ fields }: Pick<OriginRequest, 'fields'>) {
    const length = fieldValue(fields, 'content-length');
    this.#left = length === undefined ? undefined : Number(length);
  }

  /** Whether all of it was written. */
  get isWhole(): boolean {
    return this.#ended || this.#left === 0;
  }

  /** Undefined for a piece of nothing, which would end it. @throws Error when it is longer than it has said */
  piece(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.length === 0) return undefined;
    if (this.#left === undefined) return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
    this.#left -= bytes.length;
    if (!(this.#left >= 0)) throw failure('REQUEST_INVALID', 'The body of the request is longer than it says.');
    return bytes;
  }

  /** @throws Error when it is shorter than it has said */
  end(): Uint8Array | undefined {
    this.#ended = true;
    if (this.#left === undefined) return lastChunk;
    if (this.#left !== 0) throw failure('REQUEST_INVALID', 'The body of the request is shorter than it says.');
    return undefined;
  }
}
