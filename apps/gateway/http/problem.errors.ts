/** A field of the request that is wrong, by its path: `body.name`, `query.limit`, `headers.idempotency-key`. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
  /** Stable reason, where there is one; gRPC passes it on. */
  readonly code?: string;
}

export interface ProblemInit {
  readonly status: number;
  /** Stable reason, kebab-case; the last part of the problem's `type`. */
  readonly code: string;
  /** For a person: what is wrong and what to do. */
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** How loudly the log is told of what is no failure, though its status says that nothing is there now; such a line has no stack. */
  readonly told?: 'debug' | 'info';
}

/** An answer that is an RFC 9457 problem document. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly init: ProblemInit;

  constructor(init: ProblemInit) {
    super(init.detail, init.cause === undefined ? undefined : { cause: init.cause });
    this.init = init;
  }
}

export function badRequest(code: string, detail: string, errors?: readonly FieldProblem[]): ProblemError {
  return new ProblemError({ status: 400, code, detail, ...(errors === undefined ? {} : { errors }) });
}

export function notFound(code: string, detail: string, headers?: Readonly<Record<string, string>>): ProblemError {
  return new ProblemError({ status: 404, code, detail, ...(headers === undefined ? {} : { headers }) });
}

export function conflict(code: string, detail: string): ProblemError {
  return new ProblemError({ status: 409, code, detail });
}

/** Seconds after which a client should try again when an engine is down. */
const retryAfterSeconds = '2';

export function unavailable(detail: string, cause?: unknown): ProblemError {
  return new ProblemError({ status: 503, code: 'unavailable', detail, headers: { 'retry-after': retryAfterSeconds }, cause });
}

/** Where the file lies is for the log alone. */
export function masterKeyMissing(cause: unknown): ProblemError {
  const detail =
    'The master key of personal data is not here. Until whoever runs the platform brings it back, or gives it up (streams subject give-up), nothing that tells of a person is taken; what names nobody is.';
  return new ProblemError({ status: 503, code: 'master-key-missing', detail, headers: { 'retry-after': retryAfterSeconds }, cause });
}

/** A position that cannot be served is said so; jumping over the hole in silence would look like the whole truth. */
export function positionTruncated(cause?: unknown): ProblemError {
  return new ProblemError({ status: 410, code: 'position-truncated', detail: 'The events from this position on are no longer kept. Begin anew.', cause });
}

/** A part of the past that is damaged or lost is said so, and not passed over; the rest of the log can be read. */
export function pastDamaged(code: string, detail: string, cause: unknown): ProblemError {
  return new ProblemError({ status: 503, code, detail, cause });
}
