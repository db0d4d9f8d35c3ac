import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchesTag } from '../http/http-range.core.ts';

/** A text with everything about its answer that is the same for all who get it. */
interface Prepared {
  readonly text: string;
  readonly tag: string;
  /** Names and values by turns. */
  readonly fields: readonly string[];
}

/**
 * Answers that many requests get in the same moment: a thousand players wait for one playlist. They are written straight to
 * their connections, because each hook that an answer goes through is waited for by all who come after it.
 */
export class SharedReplies {
  readonly #prepared = new WeakMap<object, Prepared>();

  /**
   * @param of what the answer is made of: whoever is given the same gets the same answer
   * @param prepare the text, which is ASCII, with its tag and fields
   */
  send(of: object, prepare: () => Prepared, request: FastifyRequest, reply: FastifyReply): void {
    let prepared = this.#prepared.get(of);
    if (prepared === undefined) {
      prepared = prepare();
      this.#prepared.set(of, prepared);
    }
    const { text, tag, fields } = prepared;
    const own = ['x-request-id', request.id, 'x-content-type-options', 'nosniff'];
    reply.hijack();
    if (matchesTag(request.headers['if-none-match'], tag)) {
      reply.raw.writeHead(304, [...fields, ...own]);
      reply.raw.end();
      return;
    }
    reply.raw.writeHead(200, [...fields, ...own, 'content-length', String(text.length)]);
    reply.raw.end(text, 'latin1');
  }
}
