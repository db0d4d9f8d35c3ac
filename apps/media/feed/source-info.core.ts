import {
  audioPayloadStart,
  FlvError,
  parseAacConfig,
  parseAv1Config,
  parseAvcConfig,
  parseFlacConfig,
  parseHevcConfig,
  parseOpusConfig,
  readAudioHeader,
  readVideoHeader,
  videoPayload,
  type StreamMetadata,
} from '#core/flv';
import type { SourceAudio, SourceInfo, SourceVideo } from '#core/ffmpeg-plan';

export interface SourceHeaders {
  /** Bodies of the FLV sequence headers. */
  readonly video: Uint8Array | undefined;
  readonly audio: Uint8Array | undefined;
  readonly metadata: StreamMetadata;
}

interface Picture {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly frameRate?: number;
  readonly interlaced?: boolean;
}

/** By the codec in the head of the body; what a configuration does not say is taken from the metadata. */
const videoCodecs: Readonly<Record<string, { readonly codec: string; readonly picture: (config: Uint8Array, metadata: StreamMetadata) => Picture }>> = {
  avc: { codec: 'h264', picture: parseAvcConfig },
  hvc1: { codec: 'hevc', picture: parseHevcConfig },
  av01: { codec: 'av1', picture: (config, { width, height }) => (parseAv1Config(config).width > 0 ? parseAv1Config(config) : { width, height }) },
  vp09: { codec: 'vp9', picture: (_config, { width, height }) => ({ width, height }) },
};

const audioCodecs: Readonly<Record<string, (config: Uint8Array) => SourceAudio>> = {
  aac: (config) => ({ codec: 'aac', ...soundOf(parseAacConfig(config)) }),
  Opus: (config) => ({ codec: 'opus', ...(config.length === 0 ? {} : soundOf(parseOpusConfig(config))) }),
  fLaC: (config) => ({ codec: 'flac', ...soundOf(parseFlacConfig(config)) }),
  '.mp3': () => ({ codec: 'mp3' }),
};

/** What the sequence headers and the metadata say. A header that cannot be read counts as none. */
export function sourceInfo({ video, audio, metadata }: SourceHeaders): SourceInfo {
  return {
    video: video === undefined ? undefined : readable(() => videoInfo(video, metadata)),
    audio: audio === undefined ? undefined : readable(() => audioInfo(audio, metadata)),
  };
}

/** Encoders tell their rate in the metadata; the parameter set often carries a field rate or nothing. */
function videoInfo(body: Uint8Array, metadata: StreamMetadata): SourceVideo | undefined {
  const known = videoCodecs[readVideoHeader(body).codec];
  const { width, height, frameRate = 0, interlaced = false } = known?.picture(body.subarray(videoPayload(body).start), metadata) ?? {};
  if (known === undefined || width === undefined || height === undefined) return undefined;
  const { videoKbps } = metadata;
  return { codec: known.codec, width, height, frameRate: metadata.frameRate ?? frameRate, interlaced, ...bitrateOf(videoKbps) };
}

function audioInfo(body: Uint8Array, { audioKbps }: StreamMetadata): SourceAudio | undefined {
  const known = audioCodecs[readAudioHeader(body).codec]?.(body.subarray(audioPayloadStart(body)));
  return known && { ...known, ...bitrateOf(audioKbps) };
}

/** No publisher sends more, and some say theirs in bits per second, kbit/s. */
const saidKbpsMax = 300_000;

function bitrateOf(kbps: number | undefined): { readonly bitrate?: number } {
  return kbps === undefined || kbps > saidKbpsMax ? {} : { bitrate: Math.round(kbps * 1000) };
}

function soundOf({ sampleRate, channels }: { readonly sampleRate: number; readonly channels: number }): Pick<SourceAudio, 'sampleRate' | 'channels'> {
  return { sampleRate, ...(channels > 0 ? { channels } : {}) };
}

function readable<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FlvError) return undefined;
    throw error;
  }
}
