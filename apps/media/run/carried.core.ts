import { canRemux, trackOf, RemuxError } from '#core/cmaf';
import { carriedBandwidth, carriedSoundUnknown, type AudioRendition, type PlannedRendition, type VideoRendition } from '#core/ffmpeg-plan';
import type { SourceTrack } from '../feed/track-book.core.ts';

/** How the renditions of a run are made. */
export interface RenditionPlan {
  /** All of them, best first, as players are told. */
  readonly renditions: readonly PlannedRendition[];
  /** Those that an encoder makes; none for a run without one. */
  readonly encoded: readonly PlannedRendition[];
  /** Those that the source is, by what they carry. */
  readonly carried: Carried;
  /** Those of the encoded ones that are further sounds of the source, in the order of the encoder's inputs. */
  readonly encodedSounds?: readonly EncodedSound[];
  /** Encoded ones that stand for others as well, which players know and of which nothing comes: the same bytes under another name. */
  readonly echoes?: readonly Echo[];
}

export interface EncodedSound {
  readonly rendition: AudioRendition;
  readonly track: SourceTrack;
}

export interface Echo {
  readonly rendition: PlannedRendition;
  /** Name of the encoded one. */
  readonly of: string;
}

export interface Carried {
  readonly video?: VideoRendition;
  readonly audio?: AudioRendition;
  /** What else the source is: its further tracks, and tracks that stand for renditions which it does not have. */
  readonly beside?: readonly BesideRendition[];
}

export interface BesideRendition {
  readonly rendition: PlannedRendition;
  /** Undefined for the first track of its kind, under another name. */
  readonly track: SourceTrack | undefined;
}

/** Undefined for a codec that segments cannot carry. */
export function carriedVideo(planned: VideoRendition, config: Uint8Array, bitrate = planned.bitrate): VideoRendition | undefined {
  if (!canRemux('video', config)) return undefined;
  const { codecs, width = 0, height = 0 } = trackOf('video', config);
  const size = width > 0 && height > 0 ? { width, height } : {};
  return { ...planned, ...size, codecs, bitrate, bandwidth: carriedBandwidth(bitrate), level: 0 };
}

export function carriedAudio(planned: AudioRendition, config: Uint8Array, bitrate = carriedSoundUnknown): AudioRendition | undefined {
  if (!canRemux('audio', config)) return undefined;
  const common = { ...planned, bitrate, bandwidth: carriedBandwidth(bitrate) };
  try {
    const { codecs, channels = planned.channels, sampleRate = planned.sampleRate } = trackOf('audio', config);
    return { ...common, codecs, channels, sampleRate };
  } catch (error) {
    // MP3 says nothing before its first frame.
    if (error instanceof RemuxError) return { ...common, codecs: 'mp4a.6b' };
    throw error;
  }
}
