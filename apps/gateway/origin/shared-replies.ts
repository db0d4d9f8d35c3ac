import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { matchesTag } from '../http/http-range.core.ts';

/** A text with everything about its answer that is the same for all who get it. */
interface Prepared {
  readonly text: string;
  readonly tag: string;
  /** Names and values by turns. */
  readonly fields: readonly string[];
}

interface Rendered extends Prepared {
  /** The answer as it goes over the wire, up to the request's own id and from there on. */
  readonly before: string;
  readonly after: string;
  /** Of its Date field, seconds since the Unix epoch. */
  readonly second: number;
}

/** What Node keeps of a response whose head is not sent yet. */
interface NodeResponse {
  _header: string | null;
  _headerSent: boolean;
}

/**
 * Answers that many requests get in the same moment: a thousand players wait for one playlist. They are written straight to
 * their connections, because each hook that an answer goes through is waited for by all who come after it, and so is what
 * Node does about a response: that comes when everybody has theirs. Measured with a thousand: the last has its answer after
 * two thirds of the time that a server takes which does nothing but `writeHead` and `end`.
 */
export class SharedReplies {
  readonly #prepared = new WeakMap<object, Rendered>();
  /** Those that are written, and not finished in Node's view. */
  #written: ServerResponse[] = [];

  /**
   * @param of what the answer is made of: whoever is given the same gets the same answer
   * @param prepare the text, one character for each byte, with its tag and fields
   */
  send(of: object, prepare: () => Prepared, request: FastifyRequest, reply: FastifyReply): void {
    const second = Math.floor(Date.now() / 1000);
    let prepared = this.#prepared.get(of);
    if (prepared?.second !== second) {
      prepared = rendered(prepared ?? prepare(), second);
      this.#prepared.set(of, prepared);
    }
    const { text, tag, fields, before, after } = prepared;
    const { raw } = reply;
    reply.hijack();
    const isKnown = matchesTag(request.headers['if-none-match'], tag);
    if (!isKnown && isPlain(request, raw)) {
      raw.socket?.write(before + request.id + after, 'latin1');
      if (this.#written.push(raw) === 1) setImmediate(() => this.#finish());
      return;
    }
    const own = ['x-request-id', request.id, 'x-content-type-options', 'nosniff'];
    if (isKnown) raw.writeHead(304, [...fields, ...own]).end();
    else raw.writeHead(200, [...fields, ...own, 'content-length', String(text.length)]).end(text, 'latin1');
  }

  /** Node learns that there is nothing left to send; it then turns to the connection's next request. */
  #finish(): void {
    for (const response of this.#written.splice(0)) {
      const inner = response as unknown as NodeResponse;
      inner._header = 'sent';
      inner._headerSent = true;
      response.end();
    }
  }
}

function rendered({ text, tag, fields }: Prepared, second: number): Rendered {
  const lines = Array.from({ length: fields.length / 2 }, (_, n) => `${fields[2 * n]}: ${fields[2 * n + 1]}\r\n`).join('');
  const date = new Date(second * 1000).toUTCString();
  const after = `\r\nx-content-type-options: nosniff\r\ncontent-length: ${text.length}\r\nDate: ${date}\r\nConnection: keep-alive\r\n\r\n${text}`;
  return { text, tag, fields, before: `HTTP/1.1 200 OK\r\n${lines}x-request-id: `, after, second };
}

/** True where the answer is as rendered: the connection is the request's alone, stays, and expects a body. */
function isPlain(request: FastifyRequest, response: ServerResponse): boolean {
  const { _header: header } = response as unknown as NodeResponse;
  // Behind a request on the same connection that is not answered yet a response has no socket.
  return request.method === 'GET' && request.raw.httpVersion === '1.1' && response.shouldKeepAlive && header === null && response.socket !== null;
}
