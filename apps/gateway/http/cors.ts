import type { FastifyInstance } from 'fastify';
import { pathOf } from './problem.filter.ts';

/** What pages may send and read: what the SDK and the contracts name. */
const allowed = 'authorization, content-type, last-event-id, idempotency-key, x-request-id, traceparent, ce-id, ce-source, ce-specversion, ce-type, ce-time';
const exposed = 'x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, www-authenticate';
const rememberSeconds = '600';

/**
 * Lets pages of other origins call the API (Fetch standard, CORS protocol). Credentials are bearer tokens, which no browser
 * sends by itself, so no answer allows cookies.
 * @param origins such as `https://studio.example`, or `*` for every one; nobody when undefined
 */
export function allowOrigins(fastify: FastifyInstance, origins: readonly string[] | '*' | undefined): void {
  if (origins === undefined) return;
  fastify.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    if (!pathOf(request.url).startsWith('/api/')) return done();
    // On the response itself: an event stream takes the reply over. It differs by origin whether or not there is one.
    if (origins !== '*') reply.raw.setHeader('vary', 'origin');
    if (origin === undefined || (origins !== '*' && !origins.includes(origin))) return done();
    reply.raw.setHeader('access-control-allow-origin', origins === '*' ? '*' : origin);
    reply.raw.setHeader('access-control-expose-headers', exposed);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return done();
    const preflight = {
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': allowed,
      'access-control-max-age': rememberSeconds,
    };
    void reply.headers(preflight).status(204).send();
    return undefined;
  });
}
