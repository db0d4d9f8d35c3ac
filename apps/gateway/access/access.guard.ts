import { allows, bearerOf, coversContext, isOfPlatform, seesEveryTenant, type Principal } from '#domain/access';
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

/** Why the operation is not this principal's; undefined when it is. */
function denialOf({ scopes, tenancy, context }: Operation, principal: Principal): ProblemError | undefined {
  if (!scopes.some((scope) => allows(principal, scope))) return forbidden(scopes);
  if (tenancy === 'platform' ? !isOfPlatform(principal) : tenancy === 'all' && !seesEveryTenant(principal))
    return new ProblemError({ status: 403, code: 'platform-only', detail: 'This is about the platform itself; your credential is of one tenant.' });
  if (context !== undefined && !coversContext(principal, context))
    return new ProblemError({ status: 403, code: 'other-context', detail: `Your credential does not cover the event context "${context}".` });
  return undefined;
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
    const denied = denialOf(operation, shown.principal);
    if (denied !== undefined) throw denied;
    request.caller = callerOf(request, shown);
    return true;
  }
}
