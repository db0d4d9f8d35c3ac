import { metrics, parseTraceparent, runInside, type OpenSpan, type Telemetry } from '#runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's span, and when it began, ms of `performance.now()`. */
    observed?: { readonly begunMs: number; readonly span: OpenSpan | undefined };
  }
}

/** Methods that a label may name; anything else that a client invents is one more. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The route's pattern, for paths hold ids; the console's files are one route. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}

/** Each request is a span, a count and a duration, by its route. What a request does runs inside its span. */
export function observeHttp(fastify: FastifyInstance, { tracer, meter }: Telemetry): void {
  if (!tracer.on && !meter.on) return;
  const requests = meter.counter(metrics.httpRequests);
  const seconds = meter.histogram(metrics.httpSeconds);
  fastify.addHook('onRequest', (request, _reply, done) => {
    request.observed = { begunMs: performance.now(), span: tracer.on ? tracer.start(spanOf(request)) : undefined };
    done();
  });
  // Not earlier: reading the body leaves the flow of calls in which the hooks before this one ran.
  fastify.addHook('preValidation', (request, _reply, done) => {
    const span = request.observed?.span;
    if (span === undefined) done();
    else runInside(span, done);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const { begunMs, span } = request.observed ?? { begunMs: performance.now(), span: undefined };
    const labels = { route: routeOf(request), method: methods.has(request.method) ? request.method : 'other' };
    requests.add(1, { ...labels, status: String(statusOf(reply)) });
    if (!isEventStream(reply)) seconds.observe((performance.now() - begunMs) / 1000, labels);
    if (span !== undefined) endSpan(span, statusOf(reply));
    done();
  });
}

function spanOf(request: FastifyRequest) {
  const route = routeOf(request);
  const given = request.headers['traceparent'];
  return {
    name: `${request.method} ${route}`,
    kind: 'server' as const,
    attributes: { 'http.request.method': request.method, 'http.route': route, 'url.scheme': 'http', 'url.path': request.url.split('?')[0] ?? '' },
    parent: typeof given === 'string' && parseTraceparent(given) !== undefined ? given : undefined,
  };
}

function endSpan(span: OpenSpan, status: number): void {
  // By the conventions for servers a client's mistake is no error of the span.
  if (status >= 500) span.fail(`HTTP ${status}`);
  span.set({ 'http.response.status_code': status, ...(status >= 500 ? { 'error.type': String(status) } : {}) });
  span.end();
}

/** A reply that was taken over has its status on the raw response alone. */
function statusOf(reply: FastifyReply): number {
  return reply.raw.statusCode;
}

function isEventStream(reply: FastifyReply): boolean {
  return String(reply.raw.getHeader('content-type') ?? '').startsWith('text/event-stream');
}
