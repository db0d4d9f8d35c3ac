import type { IntakeRefusalCode } from '../events/index.ts';
import { OperatingError } from '../kernel/index.ts';

/** A wrong field of a request, by its path: `events[2].data.contentId`, `query.from`. */
export interface WrongField {
  readonly field: string;
  readonly message: string;
}

export type StreamsErrorCode =
  | IntakeRefusalCode
  /** Streams cannot be reached or cannot serve at the moment. */
  | 'UNAVAILABLE'
  /** Streams asks to be called less often. */
  | 'RATE_LIMITED'
  /** One call held more than Streams takes. */
  | 'TOO_LARGE'
  /** The key is missing, unknown, expired or revoked. */
  | 'UNAUTHENTICATED'
  /** The key may not do this. */
  | 'FORBIDDEN'
  /** The call itself is wrong; `fields` say where. */
  | 'INVALID'
  /** The events behind this token are no longer kept. */
  | 'TOKEN_TRUNCATED'
  /** An event came that this SDK's catalogue cannot read. */
  | 'EVENT_UNREADABLE'
  /** The resume store threw. */
  | 'STORE_FAILED'
  /** More is waiting for room in a publisher's buffer than it may hold. */
  | 'BUFFER_FULL'
  /** It was closed. */
  | 'CLOSED'
  /** The transport cannot do this. */
  | 'UNSUPPORTED'
  /** The answer is none of Streams. */
  | 'PROTOCOL';

export interface StreamsErrorInit {
  readonly code: StreamsErrorCode;
  /** True when the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  /** What Streams asks to be waited before that, ms. */
  readonly retryAfterMs?: number | undefined;
  readonly fields?: readonly WrongField[] | undefined;
  readonly cause?: unknown;
}

/** A call that failed, and what can be done about it. */
export class StreamsError extends OperatingError {
  override readonly name: string = 'StreamsError';
  declare readonly code: StreamsErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly fields: readonly WrongField[];

  constructor(message: string, init: StreamsErrorInit) {
    super(message, init);
    this.retryAfterMs = init.retryAfterMs;
    this.fields = init.fields ?? [];
  }
}

/** An event that was not taken, and will not be as it is. */
export class EventRefusedError extends StreamsError {
  override readonly name = 'EventRefusedError';
  readonly eventId: string;
  /** The field at fault, such as `data.contentId`; empty when the whole event is. */
  readonly field: string;

  constructor(message: string, init: { readonly code: StreamsErrorCode; readonly field: string; readonly eventId: string; readonly cause?: unknown }) {
    super(message, { code: init.code, retryable: false, cause: init.cause, fields: [{ field: init.field, message }] });
    this.eventId = init.eventId;
    this.field = init.field;
  }
}

/** What is thrown somewhere below, as a StreamsError: what is none passes, for it is the world's. */
export function streamsErrorOf(error: unknown): StreamsError {
  if (error instanceof StreamsError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StreamsError(`Streams cannot be reached (${message}).`, { code: 'UNAVAILABLE', retryable: true, cause: error });
}
