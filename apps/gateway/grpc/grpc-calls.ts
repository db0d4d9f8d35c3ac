import { bearerOf, type Principal, type Scope } from '#domain/access';
import { fromBinary, type DescMessage, type DescMethodServerStreaming, type DescMethodUnary, type MessageShape } from '@bufbuild/protobuf';
import {
  status as Status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type sendUnaryData,
  type ServerWritableStream,
  type StatusObject,
} from '@grpc/grpc-js';
import { activeTraceparent, type Logger } from '#runtime';
import type { Admissions } from '../access/admissions.ts';
import { badRequest } from '../http/problem.errors.ts';
import { statusOf } from './grpc-status.ts';
import type { Answer } from './service-definition.ts';

/** Who calls, as the REST guard knows it. */
export interface GrpcCaller {
  readonly principal: Principal;
  /** The bearer token. */
  readonly token: string;
  /** Network address, without the port. */
  readonly address: string;
  readonly correlationId: string;
  /** W3C trace context of the call; empty when there is none. */
  readonly traceparent: string;
}

export interface GrpcCallsDeps {
  readonly admissions: Admissions;
  readonly logger: Logger;
  readonly newId: () => string;
}

const idPattern = /^[A-Za-z0-9_.:-]{1,128}$/;
const traceparentPattern = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

function textOf(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** @throws ProblemError 400 for bytes that are no such message. */
export function parseMessage<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw badRequest('malformed-message', `The request is not a ${schema.typeName}.`);
  }
}

async function settle<Value>(answer: Promise<Value>, callback: sendUnaryData<Value>, failureOf: (error: unknown) => StatusObject): Promise<void> {
  let value: Value;
  try {
    value = await answer;
  } catch (error) {
    return callback(failureOf(error));
  }
  callback(null, value);
}

type ArrivingCall = Pick<ServerWritableStream<Buffer, Uint8Array>, 'metadata' | 'getPeer'>;

/** `192.0.2.7:50000`, `[2001:db8::1]:50000` or `unix:…`, without the port. */
function hostOf(peer: string): string {
  return peer
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .slice(0, 64);
}

/** Wraps handlers: who calls is known and allowed, the request is a message, and what is thrown becomes a status. */
export class GrpcCalls {
  readonly #deps: GrpcCallsDeps;

  constructor(deps: GrpcCallsDeps) {
    this.#deps = deps;
  }

  /**
   * @param method as refusals name it
   * @throws ProblemError 401, 403, 429
   */
  async admit(call: ArrivingCall, scopes: readonly Scope[], method: string): Promise<GrpcCaller> {
    const operation = { id: method, scopes, tenancy: 'own' } as const;
    const shown = await this.#deps.admissions.admit({ operation, token: bearerOf(textOf(call.metadata, 'authorization')), address: hostOf(call.getPeer()) });
    const { principal, token, address } = shown;
    const id = textOf(call.metadata, 'x-request-id') ?? '';
    const traceparent = activeTraceparent() ?? textOf(call.metadata, 'traceparent') ?? '';
    return {
      principal,
      token,
      address,
      correlationId: idPattern.test(id) ? id : this.#deps.newId(),
      traceparent: traceparentPattern.test(traceparent) ? traceparent : '',
    };
  }

  /** Puts on record what was refused behind the door, in one word. */
  refusedLater(...refusal: Parameters<Admissions['refusedLater']>): void {
    this.#deps.admissions.refusedLater(...refusal);
  }

  unary<Method extends DescMethodUnary>(
    method: Method,
    scopes: readonly Scope[],
    handle: (request: MessageShape<Method['input']>, caller: GrpcCaller, signal: AbortSignal) => Answer<Method> | Promise<Answer<Method>>,
  ): handleUnaryCall<Buffer, Answer<Method>> {
    return this.unaryBytes(method, scopes, (bytes, caller, signal) => handle(parseMessage<Method['input']>(method.input, bytes), caller, signal));
  }

  /** For a method that reads its request itself. */
  unaryBytes<Method extends DescMethodUnary>(
    method: Method,
    scopes: readonly Scope[],
    handle: (bytes: Buffer, caller: GrpcCaller, signal: AbortSignal) => Answer<Method> | Promise<Answer<Method>>,
  ): handleUnaryCall<Buffer, Answer<Method>> {
    return (call, callback) => {
      const gone = new AbortController();
      call.on('cancelled', () => gone.abort());
      const answer = async (): Promise<Answer<Method>> => handle(call.request, await this.admit(call, scopes, method.name), gone.signal);
      void settle(answer(), callback, (error) => this.statusOf(error, method.name));
    };
  }

  /** `handle` ends the call when it is done; until it writes, it may throw. */
  serverStream<Method extends DescMethodServerStreaming>(
    method: Method,
    scopes: readonly Scope[],
    handle: (request: MessageShape<Method['input']>, caller: GrpcCaller, call: ServerWritableStream<Buffer, Uint8Array>) => Promise<void>,
  ): handleServerStreamingCall<Buffer, Uint8Array> {
    return (call) => {
      const serve = async (): Promise<void> => {
        const caller = await this.admit(call, scopes, method.name);
        await handle(parseMessage<Method['input']>(method.input, call.request), caller, call);
      };
      serve().catch((error: unknown) => call.emit('error', this.statusOf(error, method.name)));
    };
  }

  /** What is our own fault is logged. */
  statusOf(error: unknown, method: string, token?: string): StatusObject {
    const failure = statusOf(error, token);
    if (failure.code === Status.INTERNAL) this.#deps.logger.error({ err: error, method }, `gRPC ${method} failed`);
    return failure;
  }
}
