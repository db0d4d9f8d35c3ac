import { OperatingError } from '#kernel';

export type FlvErrorCode =
  | 'AMF_INVALID'
  | 'AMF_TOO_LARGE'
  | 'FLV_INVALID'
  | 'FLV_TAG_TOO_LARGE'
  | 'ENHANCED_HEADER_INVALID'
  | 'AVC_CONFIG_INVALID'
  | 'HEVC_CONFIG_INVALID'
  | 'AV1_CONFIG_INVALID'
  | 'VP9_CONFIG_INVALID'
  | 'AAC_CONFIG_INVALID'
  | 'OPUS_CONFIG_INVALID'
  | 'FLAC_CONFIG_INVALID';

/** Bytes that are not what their format says; never retryable. The only error that the parsers of this library throw. */
export class FlvError extends OperatingError {
  override readonly name = 'FlvError';

  constructor(code: FlvErrorCode, message: string) {
    super(message, { code, retryable: false });
  }
}
