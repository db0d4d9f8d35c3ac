import { bearerOf } from '#domain/access';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../http/caller.ts';
import { operationKey, type Operation } from '../http/operation.ts';
import { Admissions, rateHeaders } from './admissions.ts';

/** Lets a request through to an operation when its bearer token may call it. */
@Injectable()
export class AccessGuard implements CanActivate {
  readonly #admissions: Admissions;
  readonly #reflector: Reflector;

  constructor(admissions: Admissions, reflector: Reflector) {
    this.#admissions = admissions;
    this.#reflector = reflector;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.#reflector.get<Operation | undefined>(operationKey, context.getHandler());
    if (operation === undefined || operation.scopes.length === 0) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const admitted = await this.#admissions.admit({ operation, token: bearerOf(request.headers.authorization), address: request.ip });
    void context.switchToHttp().getResponse<FastifyReply>().headers(rateHeaders(admitted.rate));
    request.caller = callerOf(request, admitted);
    return true;
  }
}
