import { isTenantId } from '#domain/access';
import { contexts as allContexts, type Context } from '#events';
import type { MessageShape } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { EventFilter } from '../events/event-filter.core.ts';
import { visibleTo } from '../events/event-query.ts';
import type { ResumeTokens } from '../events/resume-token.codec.ts';
import { positionsOfToken, type Start, type Subscriptions } from '../events/subscriptions.ts';
import type { Authenticator } from '../access/authenticator.ts';
import { badRequest, type FieldProblem } from '../http/problem.errors.ts';
import {
  EventService,
  StartAt,
  SubscribeWithCreditRequestSchema,
  type EventFilter as FilterMessage,
  type SubscribeRequest,
} from './generated/streams/v1/event_service_pb.ts';
import { parseMessage, type GrpcCaller, type GrpcCalls } from './grpc-calls.ts';
import { Credit, GrpcSink } from './grpc-sink.ts';
import { GrpcWriter, type StreamCall } from './grpc-writer.ts';

export interface SubscribeDeps {
  readonly calls: GrpcCalls;
  readonly subscriptions: Subscriptions;
  readonly tokens: ResumeTokens;
  readonly authenticator: Authenticator;
  readonly stopping: AbortSignal;
}

const scopes = ['view', 'operate'] as const;
const batchEventsMax = 500;
const textMax = 256;
const namesMax = 256;

function invalid(errors: readonly FieldProblem[]): Error {
  return badRequest('invalid-request', errors.map(({ field, message }) => `${field}: ${message}`).join(' '), errors);
}

function isContext(name: string): name is Context {
  return (allContexts as readonly string[]).includes(name);
}

/** @throws ProblemError 400 naming the fields. */
export function filterOfMessage(message: FilterMessage | undefined, { principal }: GrpcCaller): EventFilter {
  if (message === undefined) return visibleTo(principal, {});
  const { contexts, types, subject, subjectPrefix, key, tenant } = message;
  const errors: FieldProblem[] = [];
  contexts.forEach((name, at) => {
    if (!isContext(name)) errors.push({ field: `filter.contexts[${at}]`, message: `There is no such context; there are ${allContexts.join(', ')}.` });
  });
  for (const [field, names] of Object.entries({ contexts, types }))
    if (names.length > namesMax) errors.push({ field: `filter.${field}`, message: `At most ${namesMax}.` });
  for (const [field, text] of Object.entries({ subject, subject_prefix: subjectPrefix, key }))
    if (text.length > textMax) errors.push({ field: `filter.${field}`, message: `At most ${textMax} characters.` });
  if (tenant !== '' && !isTenantId(tenant)) errors.push({ field: 'filter.tenant', message: 'Expected a tenant id such as acme: a-z, 0-9 and "-".' });
  if (errors.length > 0) throw invalid(errors);
  const given = (text: string): string | undefined => (text === '' ? undefined : text);
  const asked = contexts.length === 0 ? undefined : contexts.filter(isContext);
  return visibleTo(principal, {
    contexts: asked,
    types: types.length === 0 ? undefined : types,
    subject: given(subject),
    subjectPrefix: given(subjectPrefix),
    key: given(key),
    tenant: given(tenant),
  });
}

const places: Readonly<Record<number, 'now' | 'recent' | 'beginning' | undefined>> = {
  [StartAt.UNSPECIFIED]: 'now',
  [StartAt.NOW]: 'now',
  [StartAt.RECENT]: 'recent',
  [StartAt.BEGINNING]: 'beginning',
};

function startOfMessage(tokens: ResumeTokens, filter: EventFilter, { start }: SubscribeRequest): Start {
  switch (start.case) {
    case 'token':
      return { positions: positionsOfToken(tokens, 'live', filter, start.value, 'token') };
    case 'time': {
      const ms = timestampMs(start.value);
      if (!(Math.abs(ms) <= 8.64e15)) throw invalid([{ field: 'time', message: 'This is not a time.' }]);
      return { timeMs: ms };
    }
    case 'at':
    case undefined: {
      const at = places[start.value ?? StartAt.NOW];
      if (at === undefined) throw invalid([{ field: 'at', message: 'There is no such place to begin at.' }]);
      return { at };
    }
  }
}

/** `Subscribe` and `SubscribeWithCredit`. */
export class Subscriber {
  readonly #deps: SubscribeDeps;
  readonly subscribe: ReturnType<GrpcCalls['serverStream']>;

  constructor(deps: SubscribeDeps) {
    this.#deps = deps;
    this.subscribe = deps.calls.serverStream(EventService.method.subscribe, scopes, (request, caller, call) => this.#serve(request, caller, call, undefined));
  }

  /** The first message begins; the others are credit. */
  readonly subscribeWithCredit = (call: ServerDuplexStream<Buffer, Uint8Array>): void => {
    const { calls } = this.#deps;
    const credit = new Credit();
    const fail = (error: unknown): void => void call.emit('error', calls.statusOf(error, 'SubscribeWithCredit'));
    const admitted = calls.admit(call, scopes, 'SubscribeWithCredit');
    admitted.catch(fail);
    let begun = false;
    call.on('data', (bytes: Buffer) => {
      try {
        const request = this.#requestOf(bytes, begun);
        if (typeof request === 'number') return credit.add(request);
        begun = true;
        admitted.then((caller) => this.#serve(request, caller, call, credit)).catch(fail);
      } catch (error) {
        fail(error);
      }
    });
    call.on('end', () => {
      if (!begun) fail(invalid([{ field: 'begin', message: 'The first message says what to follow.' }]));
    });
  };

  #requestOf(bytes: Buffer, begun: boolean): MessageShape<typeof EventService.method.subscribe.input> | number {
    const { request } = parseMessage(SubscribeWithCreditRequestSchema, bytes);
    if (request.case === 'begin' && !begun) return request.value;
    if (request.case === 'credit' && begun) return request.value;
    throw invalid([
      { field: request.case ?? 'request', message: begun ? 'After the first message there is only credit.' : 'The first message says what to follow.' },
    ]);
  }

  async #serve(request: SubscribeRequest, caller: GrpcCaller, call: StreamCall, credit: Credit | undefined): Promise<void> {
    const { subscriptions, tokens, authenticator, stopping, calls } = this.#deps;
    const filter = filterOfMessage(request.filter, caller);
    await subscriptions.serve({
      filter,
      start: startOfMessage(tokens, filter, request),
      stopping,
      stillAllowed: () => authenticator.stillHolds(caller.token, caller.principal),
      sink: ({ tokenOf }) =>
        new GrpcSink({
          writer: new GrpcWriter(call, (error, token) => calls.statusOf(error, 'Subscribe', token)),
          credit,
          tokenOf,
          batchEventsMax: request.batchEventsMax === 0 ? batchEventsMax : Math.min(request.batchEventsMax, batchEventsMax),
        }),
    });
  }
}
