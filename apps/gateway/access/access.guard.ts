import { assert } from '#kernel';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { callerOf } from '../http/caller.ts';
import { operationKey, type Operation } from '../http/operation.ts';

/** Hands an operation its caller, whom the hook has admitted; nothing without one gets past here. */
@Injectable()
export class AccessGuard implements CanActivate {
  readonly #reflector: Reflector;

  constructor(reflector: Reflector) {
    this.#reflector = reflector;
  }

  canActivate(context: ExecutionContext): boolean {
    const operation = this.#reflector.get<Operation | undefined>(operationKey, context.getHandler());
    if (operation === undefined || operation.scopes.length === 0) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    assert(request.admitted !== undefined, `${operation.id} is in the list of operations, which the hook reads`);
    request.caller = callerOf(request, request.admitted);
    return true;
  }
}
