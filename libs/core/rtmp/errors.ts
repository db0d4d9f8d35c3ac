import { OperatingError } from '#kernel';

/** Why a session ended that did not end itself. */
export type RtmpErrorCode =
  | 'RTMP_HANDSHAKE_INVALID'
  | 'RTMP_HANDSHAKE_TIMEOUT'
  | 'RTMP_PUBLISH_TIMEOUT'
  | 'RTMP_CHUNK_INVALID'
  | 'RTMP_MESSAGE_INVALID'
  | 'RTMP_MESSAGE_TOO_LARGE'
  | 'RTMP_LIMIT_EXCEEDED'
  | 'RTMP_APP_UNKNOWN'
  | 'RTMP_PLAY_REFUSED'
  | 'RTMP_PUBLISH_REFUSED'
  | 'RTMP_CODEC_UNSUPPORTED'
  | 'RTMP_TRACKS_EXCEEDED'
  | 'RTMP_CONFIG_MISSING'
  | 'RTMP_CLOCK_STILL'
  | 'RTMP_STALLED'
  | 'RTMP_TOO_SLOW';

/** A peer that broke the protocol, a limit or a deadline; the connection ends with it. Never retryable on that connection. */
export class RtmpError extends OperatingError {
  override readonly name = 'RtmpError';

  constructor(code: RtmpErrorCode, message: string, cause?: unknown) {
    super(message, { code, retryable: false, cause });
  }
}
