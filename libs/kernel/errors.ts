/** What an {@link OperatingError} is made with. */
export interface OperatingErrorInit {
  /** Stable, machine-readable, SCREAMING_SNAKE_CASE. */
  readonly code: string;
  /** True when the same call may succeed later without anything being changed. */
  readonly retryable: boolean;
  readonly cause?: unknown;
}

/**
 * A failure of the world around us (disk full, connection lost, fenced owner).
 * Business refusals are events or typed results instead; broken invariants are `assert`s.
 */
export class OperatingError extends Error {
  override readonly name: string = 'OperatingError';
  readonly code: string;
  readonly retryable: boolean;

  constructor(message: string, init: OperatingErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.retryable = init.retryable;
  }
}

/** True for an {@link OperatingError} of the given code, also across duplicated copies of this module. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}
