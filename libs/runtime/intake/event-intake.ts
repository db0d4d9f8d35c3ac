import type { Context, IncomingEvent, IntakeRefusalCode } from '#events';

/** Who publishes. What of it goes into an event, goes into every event of the call. */
export interface PublishingCaller {
  readonly tenant: string;
  /** `key:<id>`, `jwt:<subject>` … */
  readonly actor: string;
  /** Of the request; an event that names its own keeps it. */
  readonly correlationId: string;
  /** W3C trace context of the request; empty when there is none. */
  readonly traceparent: string;
  /** True when the caller's scopes allow to publish into the context. */
  mayPublish(context: Context): boolean;
}

export interface IntakeOptions {
  /** True: one event that is refused refuses the whole call, and nothing of it is written. False: each event for itself. */
  readonly together: boolean;
  /** By which protocol the events came, for the metrics. */
  readonly transport?: 'rest' | 'grpc';
  /** When aborted, the answer is no longer wanted; what is under way may still be written. */
  readonly signal?: AbortSignal;
}

/** On the log, durably. */
export interface PublishAccepted {
  readonly accepted: true;
  readonly id: string;
  readonly topic: Context;
  readonly partition: number;
  readonly offset: bigint;
  /** True when it was there already: the same id with the same content was published before. */
  readonly duplicate: boolean;
}

/** Not on the log, and will not be. */
export interface PublishRejected {
  readonly accepted: false;
  /** As given; undefined when it is no text. */
  readonly id: string | undefined;
  readonly code: IntakeRefusalCode;
  /** The field at fault, such as `data.contentId` or `dataschema`; empty when the whole event is. */
  readonly field: string;
  /** For a person. */
  readonly message: string;
  /** True when the same event may be accepted later without being changed: its batch was at fault. */
  readonly retryable: boolean;
}

export type PublishOutcome = PublishAccepted | PublishRejected;

/**
 * The door for events from outside: checks them against the catalogue and appends them to the log, each once however often
 * and wherever it is published. Whatever a transport answers with success is durable.
 */
export abstract class EventIntake {
  /**
   * One outcome per event, in the order of the events. Events of one call and one key stand on the log in the order of the
   * call. A call of nothing answers nothing.
   *
   * @throws OperatingError when the outcome is not known or nothing was tried; always retryable, with the same ids, after
   * {@link retryAfterMsOf}: `INTAKE_BUSY` (the queue is full: nothing was written), `INTAKE_UNAVAILABLE` (an engine is away;
   * events of this call may be on the log, a repetition finds them), `INTAKE_STOPPED` (this process ends).
   */
  abstract publish(events: readonly IncomingEvent[], caller: PublishingCaller, options: IntakeOptions): Promise<readonly PublishOutcome[]>;
}

/** What one call may hold at most; transports refuse more before they come here. */
export const intakeLimits = { eventsMax: 1_000, bytesMax: 4_194_304 } as const;

/** How long a caller should wait before it repeats a call that failed with this error, ms. */
export function retryAfterMsOf(error: unknown): number {
  return (error as { code?: unknown } | null)?.code === 'INTAKE_BUSY' ? 500 : 2_000;
}
