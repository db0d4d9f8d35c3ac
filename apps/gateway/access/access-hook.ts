import { bearerOf } from '#domain/access';
import { edgeProofHeader, isEdgeProof, type Logger } from '#runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Operation } from '../http/operation.ts';
import { sendProblem } from '../http/problem.filter.ts';
import { rateHeaders, type Admissions, type Admitted } from './admissions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    admitted?: Admitted;
  }
}

export interface AccessHookInit {
  readonly operations: readonly Operation[];
  /** Asked at the first request. */
  readonly admissions: () => Admissions;
  /** Shared with edges; without it nobody's word for a client's address counts. */
  readonly edgeSecret: string | undefined;
  readonly logger: Logger;
}

const addressPattern = /^[\da-fA-F.:]{2,64}$/;

/** The client's network address: what an edge of ours says it is, or else the other end of the connection. */
export function addressOf(request: Pick<FastifyRequest, 'headers' | 'ip'>, edgeSecret: string | undefined): string {
  const { [edgeProofHeader]: proof, 'x-forwarded-for': address } = request.headers;
  if (edgeSecret === undefined || typeof proof !== 'string' || typeof address !== 'string' || !addressPattern.test(address)) return request.ip;
  return isEdgeProof(edgeSecret, address, proof) ? address : request.ip;
}

/** Judges a request by its headers, before a byte of its body is read: strangers cost no more than that. */
export function admitByHeaders(fastify: FastifyInstance, { operations, admissions, edgeSecret, logger }: AccessHookInit): void {
  const guarded = new Map(operations.filter(({ scopes }) => scopes.length > 0).map((one) => [`${one.method} ${one.path}`, one]));
  let door: Admissions | undefined;
  fastify.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const operation = guarded.get(`${method} ${request.routeOptions.url ?? ''}`);
    if (operation === undefined) return undefined;
    try {
      const address = addressOf(request, edgeSecret);
      door ??= admissions();
      request.admitted = await door.admit({ operation, token: bearerOf(request.headers.authorization), address });
      void reply.headers(rateHeaders(request.admitted.rate));
      return undefined;
    } catch (error) {
      sendProblem(reply, request, error, logger);
      return reply;
    }
  });
}
