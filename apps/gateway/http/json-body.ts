import type { FastifyInstance } from 'fastify';
import { isUtf8 } from 'node:buffer';
import { bodyBytesMax } from './problem.document.ts';
import { badRequest, type ProblemError } from './problem.errors.ts';

/** JSON is UTF-8 (RFC 8259 section 8.1). Read all the same, what is not would be stored with U+FFFD where somebody's letters were. */
export function textOfBody(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw notUtf8();
  return bytes.toString('utf8');
}

function notUtf8(): ProblemError {
  const message = 'The body is not UTF-8.';
  return badRequest('malformed-body', message, [{ field: 'body', message }]);
}

/**
 * Fastify's own parser, which refuses prototypes, behind a look at the bytes.
 * @param raw routes that get the bytes themselves, because they are signed
 */
export function takeJson(fastify: FastifyInstance, raw: readonly string[]): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (request, bytes, done) => {
    if (raw.includes(request.routeOptions.url ?? '')) return done(null, bytes);
    // Clients name the type of a body that a DELETE does not have.
    if (request.method === 'DELETE' && bytes.length === 0) return done(null, undefined);
    try {
      void parse(request, textOfBody(bytes), done);
    } catch (error) {
      done(error as Error);
    }
  });
}
