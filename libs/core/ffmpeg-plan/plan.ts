/** What a publisher sends, as its sequence headers and metadata tell it. */
export interface SourceInfo {
  readonly video?: SourceVideo | undefined;
  readonly audio?: SourceAudio | undefined;
}

export interface SourceVideo {
  /** As in `encoding.started`, such as `h264`. */
  readonly codec: string;
  /** Visible picture, pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames per second; 0 when the source does not say or says nonsense. */
  readonly frameRate: number;
  readonly interlaced: boolean;
  /** Bits per second, where the source says. */
  readonly bitrate?: number;
}

export interface SourceAudio {
  /** As in `encoding.started`, such as `aac`. */
  readonly codec: string;
  /** Hz and channels, as far as the source says; not needed for AAC. */
  readonly sampleRate?: number;
  readonly channels?: number;
  /** Bits per second, where the source says. */
  readonly bitrate?: number;
}

/** What is asked for: the fields are those of `stream.created`. */
export interface Ladder {
  readonly rungs: readonly Rung[];
  /** Bits per second. */
  readonly audioBitrate: number;
}

/** What a rung can be encoded as. */
export type VideoCodec = 'h264' | 'hevc';

export interface Rung {
  readonly name: string;
  /** Lines of the picture, counted on its shorter side: an upright 720p picture is 720 wide. */
  readonly height: number;
  /** Bits per second. */
  readonly videoBitrate: number;
  /** H.264 where it is not said. */
  readonly codec?: VideoCodec | undefined;
  /** The source itself is the rung, as long as it is no higher and can be carried; else it is encoded like any other. */
  readonly passThrough?: boolean | undefined;
}

/** A frame rate as a fraction, so that 30000/1001 stays exact. */
export interface FrameRate {
  readonly numerator: number;
  readonly denominator: number;
}

/** A rendition as the encoder will make it. The first group of fields is what `encoding.started` tells. */
export interface VideoRendition {
  readonly kind: 'video';
  readonly name: string;
  /** RFC 6381. */
  readonly codecs: string;
  /** Peak bits per second over a segment, container included. */
  readonly bandwidth: number;
  readonly width: number;
  readonly height: number;
  readonly frameRate: FrameRate;
  /** Average bits per second of the video alone. */
  readonly bitrate: number;
  readonly codec: VideoCodec;
  /** The codec's level times ten. */
  readonly level: number;
  /** The source may stand for it as it is. */
  readonly passThrough?: boolean;
}

export interface AudioRendition {
  readonly kind: 'audio';
  readonly name: string;
  readonly codecs: string;
  readonly bandwidth: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bitrate: number;
  /** BCP 47, and what listeners choose it by, where anybody said. */
  readonly language?: string;
  readonly label?: string;
  /** Which of the sounds of the encoder's input it is made of, from 0; the first where it is not said. */
  readonly input?: number;
}

export type PlannedRendition = VideoRendition | AudioRendition;
