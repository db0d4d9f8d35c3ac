import { FlvError, parseAacConfig, parseAvcConfig, type AvcConfig, type StreamMetadata } from '#core/flv';
import type { SourceInfo, SourceVideo } from '#core/ffmpeg-plan';

/** Bytes of the FLV body before the configuration record: codec, packet type, composition time (video) or packet type (audio). */
const videoPrefixBytes = 5;
const audioPrefixBytes = 2;

export interface SourceHeaders {
  /** Bodies of the FLV sequence headers. */
  readonly video: Uint8Array | undefined;
  readonly audio: Uint8Array | undefined;
  readonly metadata: StreamMetadata;
}

/** What the sequence headers and the metadata say. A header that cannot be read counts as none. */
export function sourceInfo({ video, audio, metadata }: SourceHeaders): SourceInfo {
  const avc = video === undefined ? undefined : readable(() => parseAvcConfig(video.subarray(videoPrefixBytes)));
  const aac = audio === undefined ? undefined : readable(() => parseAacConfig(audio.subarray(audioPrefixBytes)));
  return {
    video: avc === undefined ? undefined : videoInfo(avc, metadata),
    audio: aac === undefined ? undefined : { codec: 'aac' },
  };
}

/** Encoders tell their rate in the metadata; the parameter set often carries a field rate or nothing. */
function videoInfo({ width, height, frameRate, interlaced }: AvcConfig, metadata: StreamMetadata): SourceVideo {
  return { codec: 'h264', width, height, frameRate: metadata.frameRate ?? frameRate, interlaced };
}

function readable<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FlvError) return undefined;
    throw error;
  }
}
