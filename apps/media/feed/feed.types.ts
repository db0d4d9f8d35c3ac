import type { TrackMetadata } from '#core/flv';
import type { SourceInfo } from '#core/ffmpeg-plan';
import type { SourceTrack } from './track-book.core.ts';

/** Coded media between two changes of its configuration: one encoder run can decode all of it. */
export interface Generation {
  readonly number: number;
  video: Uint8Array | undefined;
  audio: Uint8Array | undefined;
  /** Set when a run relies on the configuration: from then on a change begins a new generation. */
  sealed: boolean;
  /** True when a configured kind is left out because nothing of it comes. */
  muted: boolean;
  /** Set by whoever reads it and has something to show for a picture that stops: then that begins no new generation. */
  keepsPicture?: boolean;
  /** Tracks beside the first of each kind that come with it. */
  beside?: readonly SourceTrack[];
}

export type Kind = 'video' | 'audio';

export interface FeedTag {
  readonly kind: Kind;
  /** Decode time, ms of the session. */
  readonly timestampMs: number;
  /** Presentation time, ms of the session. */
  readonly presentationMs: number;
  readonly keyFrame: boolean;
  readonly body: Uint8Array;
  readonly generation: Generation;
  /** Whose it is, where it is not of the first track of its kind. */
  readonly beside?: SourceTrack;
}

/** A track that comes along with the first of its kind, and what the publisher says of it. */
export interface BesideTrack {
  readonly track: SourceTrack;
  readonly metadata: TrackMetadata;
}

/** Where a run can start decoding. */
export interface StartPoint {
  /** What the publisher says of the first sound. */
  readonly sound?: TrackMetadata;
  /** Number of the tag to begin with. */
  readonly index: number;
  readonly tag: FeedTag;
  readonly source: SourceInfo;
  /** All further sounds that the publisher has announced, whether they come or not. */
  readonly sounds?: readonly SourceTrack[];
  /** Further tracks that can be begun there, too. */
  readonly beside?: readonly BesideTrack[];
  /** Those that cannot: they have no key frame there. */
  readonly unaligned?: readonly SourceTrack[];
}
