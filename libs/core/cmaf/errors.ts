import { OperatingError } from '#kernel';

/** Why a source cannot be carried as it is; the same source stays so. */
export type RemuxErrorCode =
  /** A codec that segments of this kind cannot carry. */
  | 'REMUX_UNSUPPORTED'
  /** A configuration or a frame that is not what its codec says. */
  | 'REMUX_INVALID';

/** The only error that a remuxer throws. */
export class RemuxError extends OperatingError {
  override readonly name = 'RemuxError';

  constructor(code: RemuxErrorCode, message: string, cause?: unknown) {
    super(message, { code, retryable: false, cause });
  }
}
