import { OperatingError } from '#kernel';

/** A codec that transport streams of this kind do not carry, or a configuration that is not what it says. */
export class MpegTsError extends OperatingError {
  override readonly name = 'MpegTsError';

  constructor(message: string, cause?: unknown) {
    super(message, { code: 'MPEGTS_UNSUPPORTED', retryable: false, cause });
  }
}
