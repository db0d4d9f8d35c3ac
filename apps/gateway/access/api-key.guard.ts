import { bearerOf } from '#domain/access';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { callerOf, mayCall } from '../http/caller.ts';
import { operationKey, type Operation } from '../http/operation.ts';
import { ProblemError } from '../http/problem.errors.ts';
import { KeyAuthority } from './key-authority.ts';

/** RFC 6750 section 3: the challenge names the scheme, and the error when there was a token. */
function unauthenticated(detail: string, error?: string): ProblemError {
  const challenge = `Bearer realm="streams"${error === undefined ? '' : `, error="${error}"`}`;
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

/** Lets a request through to an operation when its bearer key allows one of the operation's scopes. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  readonly #authority: KeyAuthority;
  readonly #reflector: Reflector;

  constructor(authority: KeyAuthority, reflector: Reflector) {
    this.#authority = authority;
    this.#reflector = reflector;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.#reflector.get<Operation | undefined>(operationKey, context.getHandler());
    if (operation === undefined || operation.scopes.length === 0) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) throw unauthenticated('Send an API key: "Authorization: Bearer sk_…".');
    const holder = await this.#authority.verify(token);
    if (holder === undefined) throw unauthenticated('This API key is unknown, expired or revoked.', 'invalid_token');
    const caller = callerOf(request, holder);
    if (!mayCall(caller, operation.scopes)) throw forbidden(operation.scopes);
    request.caller = caller;
    return true;
  }
}
