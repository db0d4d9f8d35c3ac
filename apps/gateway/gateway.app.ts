import type { IdSource } from '#ports';
import { healthAnswer, intakeLimits, type HealthReport, type Logger, type NestOptions, type Telemetry } from '#runtime';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { serveConsole } from './console-files.ts';
import { admitByHeaders } from './access/access-hook.ts';
import { Admissions } from './access/admissions.ts';
import { cacheTagsOf } from './http/cache-tags.ts';
import { changedPath } from './zones/changed.controller.ts';
import { originPurgesPath } from './zones/origin-purges.controller.ts';
import { allowOrigins } from './http/cors.ts';
import { observeHttp } from './http/http.telemetry.ts';
import { takeJson, textOfBody } from './http/json-body.ts';
import { bodyBytesMax, documentOf, problemOf, problemType } from './http/problem.document.ts';
import { badRequest, ProblemError } from './http/problem.errors.ts';
import { noRoute, pathOf, ProblemFilter, sendProblem } from './http/problem.filter.ts';
import { RouteTable } from './http/route-table.ts';
import { operations } from './openapi/operations.ts';
import { cloudEventTypes, parseEventText } from './publish/cloud-event-body.codec.ts';

/** A purge of a thousand long URLs is the largest thing that anybody sends. */
const requestTimeoutMs = 30_000;
const requestIdPattern = /^[A-Za-z0-9_.:-]{1,128}$/;

export interface GatewayAppInit {
  readonly logger: Logger;
  readonly ids: IdSource;
  /** Built files of the console. */
  readonly consolePath: string;
  readonly telemetry?: Telemetry;
  /** Name of this machine. */
  readonly node?: string;
  /** Shared with edges, which prove by it whose address they forward. */
  readonly edgeSecret?: string | undefined;
  /** Origins of pages that may call the API; none when left out. */
  readonly corsOrigins?: readonly string[] | '*' | undefined;
}

/** RFC 6585 section 5; Node reads no more than this before the body. */
const tooLong = new ProblemError({ status: 431, code: 'request-too-long', detail: 'The address and headers of a request may have 16 KB together.' });

/** What is not HTTP gets an answer too, and the connection ends (RFC 9112 section 2.2). */
function refuseGarbage(error: Error, socket: Socket): void {
  if (!socket.writable) return void socket.destroy();
  const { init, status } =
    (error as { readonly code?: unknown }).code === 'HPE_HEADER_OVERFLOW'
      ? { init: tooLong.init, status: '431 Request Header Fields Too Large' }
      : { init: badRequest('malformed-request', 'This is not an HTTP request.').init, status: '400 Bad Request' };
  const text = JSON.stringify(documentOf(init, '/'));
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`);
}

function addHooks(fastify: FastifyInstance, routes: RouteTable): void {
  fastify.addHook('onRoute', (route) => routes.add(route.method, route.url));
  fastify.addHook('onSend', (request: FastifyRequest, reply: FastifyReply, payload, done) => {
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
    const tags = request.url.startsWith('/live/') ? cacheTagsOf(pathOf(request.url)) : undefined;
    if (tags !== undefined) reply.header('cache-tag', tags);
    if (!reply.hasHeader('cache-control') && pathOf(request.url).startsWith('/api/')) reply.header('cache-control', 'no-store');
    done(null, payload);
  });
}

/** Load balancers ask the port that they balance: health is answered here, too, to everybody. */
function observe(fastify: FastifyInstance, telemetry: Telemetry, node: string): void {
  observeHttp(fastify, telemetry);
  const answer = (reply: FastifyReply, report: HealthReport): FastifyReply => {
    const { status, type, body } = healthAnswer(report, { app: 'gateway', node });
    return reply.status(status).header('cache-control', 'no-store').type(type).send(body);
  };
  fastify.get('/healthz', (_request, reply) => answer(reply, telemetry.health.moving()));
  fastify.get('/readyz', async (_request, reply) => answer(reply, await telemetry.health.ready()));
}

function adapterOf({ logger, ids }: GatewayAppInit): FastifyAdapter {
  const options = {
    // A line per request would be louder than everything else; failures are logged where they are answered.
    loggerInstance: logger.child({}, { level: 'warn' }),
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: 'idle',
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => sendProblem(reply, request, problemOf(error), logger),
    routerOptions: { maxParamLength: 512 },
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && requestIdPattern.test(given) ? given : ids.next();
    },
  };
  return new FastifyAdapter(options as unknown as ConstructorParameters<typeof FastifyAdapter>[0]) as unknown as FastifyAdapter;
}

/** Bodies of events: larger than others, and read as they are, for the intake judges every field of them. */
function takeEvents(fastify: FastifyInstance): void {
  const options = { parseAs: 'buffer', bodyLimit: intakeLimits.bytesMax } as const;
  fastify.addContentTypeParser<Buffer>([...cloudEventTypes], options, (request, bytes, done) => {
    try {
      done(null, parseEventText(request.headers['content-type'] ?? '', textOfBody(bytes)));
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });
}

/** The Nest application behind its HTTP server: limits, problem documents for every failure, the console's files. */
export async function createGateway(root: DynamicModule, options: NestOptions, init: GatewayAppInit): Promise<NestFastifyApplication> {
  const adapter = adapterOf(init);
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const routes = new RouteTable();
  if (init.telemetry !== undefined) observe(fastify, init.telemetry, init.node ?? '');
  addHooks(fastify, routes);
  allowOrigins(fastify, init.corsOrigins);
  const admissions = (): Admissions => app.get(Admissions);
  admitByHeaders(fastify, { operations, admissions, edgeSecret: init.edgeSecret, logger: init.logger });
  await serveConsole(fastify, init.consolePath, (request, reply) => sendProblem(reply, request, noRoute(request.method, request.url, routes), init.logger));
  // A body of another type is of no use to anybody here.
  fastify.removeContentTypeParser('text/plain');
  takeJson(fastify, [changedPath, originPurgesPath]);
  takeEvents(fastify);
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, { ...options, bodyParser: false });
  app.useGlobalFilters(new ProblemFilter(init.logger, routes));
  return app;
}
