import type { IncomingEvent } from '#events';
import { homeTenantOf, mayPublish } from '#domain/access';
import { intakeLimits, type EventIntake, type PublishingCaller, type PublishOutcome } from '#runtime';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { badRequest, ProblemError } from '../http/problem.errors.ts';
import { forbiddenReasons, problemOfIntake, refusalOf } from '../publish/publish.view.ts';
import { EventService, PublishResponseSchema, PublishStreamResponseSchema, type PublishOutcomeSchema } from './generated/streams/v1/event_service_pb.ts';
import type { GrpcCaller, GrpcCalls } from './grpc-calls.ts';
import { readIncoming, type IncomingBatch } from './publish-request.codec.ts';
import { PublishSession } from './publish-session.ts';

export interface PublishDeps {
  readonly calls: GrpcCalls;
  readonly intake: EventIntake;
  /** True while the credential lets in who it let in. */
  readonly stillHolds: (caller: GrpcCaller) => Promise<boolean>;
  readonly stopping: AbortSignal;
}

const scopes = ['publish'] as const;

function publishingCaller({ principal, correlationId, traceparent }: GrpcCaller): PublishingCaller {
  return { tenant: homeTenantOf(principal), actor: principal.actor, correlationId, traceparent, mayPublish: (context) => mayPublish(principal, context) };
}

function outcomeMessage(outcome: PublishOutcome): MessageInitShape<typeof PublishOutcomeSchema> {
  if (!outcome.accepted) {
    const { code, field, message, retryable } = outcome;
    return { id: outcome.id ?? '', outcome: { case: 'rejected', value: { code, field, message, retryable } } };
  }
  const { id, topic, partition, offset, duplicate } = outcome;
  return { id, outcome: { case: 'accepted', value: { context: topic, partition, offset, duplicate } } };
}

/** Fields of a refusal as this contract names them: `events[2].data.contentId`. */
function inOurTerms(refusal: ProblemError): ProblemError {
  const renamed = (text: string): string => text.replaceAll(/\bbody\.(\d+)/g, 'events[$1]');
  const errors = (refusal.init.errors ?? []).map((each) => ({ ...each, field: renamed(each.field) }));
  return new ProblemError({ ...refusal.init, detail: renamed(refusal.init.detail), errors, extensions: {} });
}

/** @throws ProblemError 400 for bytes that are no request */
function parseIncoming(bytes: Buffer): IncomingBatch {
  try {
    return readIncoming(bytes);
  } catch {
    throw badRequest('malformed-message', 'The request is not a message of events.');
  }
}

/** `Publish` and `PublishStream`. */
export class Publisher {
  readonly #deps: PublishDeps;
  readonly publish: ReturnType<GrpcCalls['unary']>;

  constructor(deps: PublishDeps) {
    this.#deps = deps;
    this.publish = deps.calls.unaryBytes(EventService.method.publish, scopes, async (bytes, caller, signal) => {
      const { events, independent } = parseIncoming(bytes);
      const outcomes = await this.#take(events, caller, !independent, signal);
      this.#record(outcomes, caller, EventService.method.publish.name);
      const refusal = independent ? undefined : refusalOf(outcomes, false);
      if (refusal !== undefined) throw inOurTerms(refusal);
      return create(PublishResponseSchema, { outcomes: outcomes.map(outcomeMessage) });
    });
  }

  readonly publishStream = (call: ServerDuplexStream<Buffer, Uint8Array>): void => {
    const { calls, stopping, stillHolds } = this.#deps;
    const session = new PublishSession(call, {
      admitted: calls.admit(call, scopes, EventService.method.publishStream.name),
      stopping,
      stillHolds,
      statusOf: (error) => calls.statusOf(error, EventService.method.publishStream.name),
      take: async (bytes, caller, signal) => {
        const { events } = parseIncoming(bytes);
        const outcomes = await this.#take(events, caller, false, signal);
        this.#record(outcomes, caller, EventService.method.publishStream.name);
        return toBinary(PublishStreamResponseSchema, create(PublishStreamResponseSchema, { outcomes: outcomes.map(outcomeMessage) }));
      },
    });
    session.start();
  };

  #record(outcomes: readonly PublishOutcome[], { principal, address }: GrpcCaller, operation: string): void {
    for (const reason of forbiddenReasons(outcomes)) this.#deps.calls.refusedLater(principal, { operation, address, reason });
  }

  async #take(events: readonly IncomingEvent[], caller: GrpcCaller, together: boolean, signal: AbortSignal): Promise<readonly PublishOutcome[]> {
    if (events.length > intakeLimits.eventsMax)
      throw new ProblemError({ status: 413, code: 'too-many-events', detail: `A message has at most ${intakeLimits.eventsMax} events, not ${events.length}.` });
    return this.#deps.intake.publish(events, publishingCaller(caller), { together, signal, transport: 'grpc' }).catch((error: unknown) => {
      throw problemOfIntake(error);
    });
  }
}
