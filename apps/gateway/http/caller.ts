import { homeTenantOf, seesEveryTenant, type Principal } from '#domain/access';
import { activeTraceparent, type CommandMeta } from '#runtime';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { badRequest } from './problem.errors.ts';

/** Who asks, and under which names the request is traced. */
export interface Caller extends CommandMeta {
  readonly principal: Principal;
  /** What only this caller can know; lives no longer than the request. */
  readonly proof: string;
  /** The Idempotency-Key header. */
  readonly idempotencyKey: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller?: Caller;
  }
}

/** W3C Trace Context section 3.2. */
const traceparentPattern = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;
/** The key is opaque; anything printable, as draft-ietf-httpapi-idempotency-key-header has it. */
const idempotencyPattern = /^[\x21-\x7e]{1,255}$/;

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function callerOf(request: FastifyRequest, shown: Pick<Caller, 'principal' | 'proof'>): Caller {
  const traceparent = activeTraceparent() ?? header(request, 'traceparent') ?? '';
  const idempotencyKey = header(request, 'idempotency-key');
  if (idempotencyKey !== undefined && !idempotencyPattern.test(idempotencyKey)) {
    const message = 'Expected 1 to 255 printable ASCII characters without spaces.';
    throw badRequest('invalid-request', `headers.idempotency-key: ${message}`, [{ field: 'headers.idempotency-key', message }]);
  }
  return {
    principal: shown.principal,
    proof: shown.proof,
    actor: shown.principal.actor,
    tenant: homeTenantOf(shown.principal),
    confined: !seesEveryTenant(shown.principal),
    correlationId: request.id,
    traceparent: traceparentPattern.test(traceparent) ? traceparent : '',
    idempotencyKey,
  };
}

/** Injects the authenticated caller. */
export const ByCaller = createParamDecorator((_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().caller);
