import { OperatingError } from '#kernel';

/** Why bytes are not the fragmented MP4 that we read; never retryable: the same bytes stay wrong. */
export type Fmp4ErrorCode =
  /** A box is cut short, overlong or contradicts another. */
  | 'FMP4_INVALID'
  /** A box is greater than the reader's byte budget. */
  | 'FMP4_TOO_LARGE'
  /** Valid, but not a form that we read: several tracks in a file, a box without an end, encrypted entries. */
  | 'FMP4_UNSUPPORTED'
  /** Renditions of one encoder do not have their key frames at the same times. */
  | 'RENDITIONS_MISALIGNED'
  /** One rendition ran so far ahead of another that holding its media would break the memory bound. */
  | 'RENDITIONS_APART'
  /** A source that is carried as it is has no key frame where a segment must end. */
  | 'KEY_FRAMES_SPARSE';

export class Fmp4Error extends OperatingError {
  override readonly name = 'Fmp4Error';

  constructor(code: Fmp4ErrorCode, message: string) {
    super(message, { code, retryable: false });
  }
}
