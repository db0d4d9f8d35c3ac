import type { Logger } from '#runtime';
import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { documentOf, problemOf, problemType } from './problem.document.ts';
import { notFound, ProblemError } from './problem.errors.ts';
import type { RouteTable } from './route-table.ts';

export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** The answer to a path or method that no route has. */
export function noRoute(method: string, url: string, routes: RouteTable): ProblemError {
  const path = pathOf(url);
  const allowed = routes.methodsOf(path);
  if (allowed.length === 0 || allowed.includes(method)) return notFound('no-route', `There is nothing at ${path}.`);
  const allow = allowed.join(', ');
  return new ProblemError({ status: 405, code: 'method-not-allowed', detail: `${method} is not possible here; ${allow} is.`, headers: { allow } });
}

/** A cache may remember that something is not there, as long as its own policy says; what is wrong with us passes. */
function mayBeKept(status: number): boolean {
  return status === 404 || status === 410;
}

function tell(problem: ProblemError, request: FastifyRequest, logger: Logger): void {
  const { status, detail, told } = problem.init;
  const asked = { requestId: request.id, path: pathOf(request.url) };
  if (told !== undefined) logger[told](asked, detail);
  else logger[status === 503 ? 'warn' : 'error']({ err: problem.cause ?? problem, ...asked }, detail);
}

/** Sends a problem document, and logs what is our own fault. */
export function sendProblem(reply: FastifyReply, request: FastifyRequest, error: unknown, logger: Logger): void {
  const problem = problemOf(error);
  if (problem.init.status >= 500) tell(problem, request, logger);
  if (reply.raw.headersSent || reply.sent) return void reply.raw.destroy();
  void reply
    .status(problem.init.status)
    .headers({ ...(mayBeKept(problem.init.status) ? {} : { 'cache-control': 'no-store' }), 'x-request-id': request.id, ...problem.init.headers })
    .type(problemType)
    .send(JSON.stringify(documentOf(problem.init, pathOf(request.url))));
}

/** Turns everything thrown in a handler into a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;
  readonly #routes: RouteTable;

  constructor(logger: Logger, routes: RouteTable) {
    this.#logger = logger;
    this.#routes = routes;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    // Handlers throw ProblemErrors; Nest's own exception means that it found no handler.
    const problem = error instanceof NotFoundException ? noRoute(request.method, request.url, this.#routes) : error;
    sendProblem(host.switchToHttp().getResponse<FastifyReply>(), request, problem, this.#logger);
  }
}
