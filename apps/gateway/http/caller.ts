import { allows, type Scope } from '#domain/access';
import type { CommandMeta } from '#runtime';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { badRequest } from './problem.errors.ts';

/** Who asks, and under which names the request is traced. */
export interface Caller extends CommandMeta {
  readonly keyId: string;
  /** The secret that the caller showed; lives no longer than the request. */
  readonly secret: string;
  readonly scopes: readonly Scope[];
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

export function callerOf(request: FastifyRequest, key: { keyId: string; secret: string; scopes: readonly Scope[] }): Caller {
  const traceparent = header(request, 'traceparent') ?? '';
  const idempotencyKey = header(request, 'idempotency-key');
  if (idempotencyKey !== undefined && !idempotencyPattern.test(idempotencyKey)) {
    const message = 'Expected 1 to 255 printable ASCII characters without spaces.';
    throw badRequest('invalid-request', `headers.idempotency-key: ${message}`, [{ field: 'headers.idempotency-key', message }]);
  }
  return {
    ...key,
    actor: `key:${key.keyId}`,
    correlationId: request.id,
    traceparent: traceparentPattern.test(traceparent) ? traceparent : '',
    idempotencyKey,
  };
}

export function mayCall(caller: Caller, scopes: readonly Scope[]): boolean {
  return scopes.some((scope) => allows(caller.scopes, scope));
}

/** Injects the authenticated caller. */
export const ByCaller = createParamDecorator((_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().caller);
