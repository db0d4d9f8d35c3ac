import { OperatingError } from '#kernel';
import type { IntakeRefusalCode } from './incoming.ts';

/** Why an event is not acceptable; never retryable: the same bytes stay wrong. */
export class EventInvalidError extends OperatingError {
  override readonly name = 'EventInvalidError';
  /** The field at fault, as a path such as `data.mediaSequence`; empty when the whole event is. */
  readonly field: string;

  constructor(code: IntakeRefusalCode, message: string, field: string, cause?: unknown) {
    super(message, { code, retryable: false, cause });
    this.field = field;
  }
}
