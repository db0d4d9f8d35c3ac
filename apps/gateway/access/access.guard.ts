import { allows, bearerOf } from '#domain/access';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { callerOf } from '../http/caller.ts';
import { operationKey, type Operation } from '../http/operation.ts';
import { ProblemError } from '../http/problem.errors.ts';
import { Authenticator, type Unauthenticated } from './authenticator.ts';

/** RFC 6750 section 3: the challenge names the scheme, and the error when there was a token. */
function unauthenticated({ reason, detail }: Unauthenticated): ProblemError {
  const challenge = `Bearer realm="streams"${reason === 'no-credential' ? '' : ', error="invalid_token"'}`;
  return new ProblemError({ status: 401, code: 'unauthenticated', detail, headers: { 'www-authenticate': challenge } });
}

function forbidden(scopes: readonly string[]): ProblemError {
  const challenge = `Bearer realm="streams", error="insufficient_scope", scope="${scopes.join(' ')}"`;
  return new ProblemError({
    status: 403,
    code: 'missing-scope',
    detail: `This needs a key with the scope ${scopes.join(' or ')}.`,
    headers: { 'www-authenticate': challenge },
  });
}

/** Lets a request through to an operation when its bearer token allows one of the operation's scopes. */
@Injectable()
export class AccessGuard implements CanActivate {
  readonly #authenticator: Authenticator;
  readonly #reflector: Reflector;

  constructor(authenticator: Authenticator, reflector: Reflector) {
    this.#authenticator = authenticator;
    this.#reflector = reflector;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.#reflector.get<Operation | undefined>(operationKey, context.getHandler());
    if (operation === undefined || operation.scopes.length === 0) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const shown = await this.#authenticator.authenticate(bearerOf(request.headers.authorization));
    if (shown.refused) throw unauthenticated(shown);
    if (!operation.scopes.some((scope) => allows(shown.principal, scope))) throw forbidden(operation.scopes);
    request.caller = callerOf(request, shown);
    return true;
  }
}
