import type { DateRange } from './date-range.core.ts';
import type { ThumbnailImage } from './thumbnails.core.ts';

/** A segment as a playlist names it; the fields are those of `segment.produced`. */
export interface PlaylistSegment {
  /** EXT-X-MEDIA-SEQUENCE number, the same for the same time in every rendition. */
  readonly mediaSequence: number;
  readonly cid: string;
  /** Initialisation segment that the segment needs. */
  readonly initCid: string;
  /** Sum of the real sample durations, microseconds. */
  readonly durationUs: number;
  /** Start on the stream's timeline, microseconds. */
  readonly startUs: number;
  /** Wall clock of the first sample, ms since the Unix epoch. */
  readonly programDateTimeMs: number;
  readonly discontinuity: boolean;
  /** Of video, in order: where a fragment begins that begins with a key frame, and where that frame ends. */
  readonly keyFrames?: ReadonlyArray<{ readonly offset: number; readonly sizeBytes: number }> | undefined;
}

/** What of time and date a number stands for. */
export type SegmentPlace = Pick<PlaylistSegment, 'startUs' | 'durationUs' | 'programDateTimeMs'>;

/** What one media playlist is made of. */
export interface MediaPlaylist {
  /** In order of media sequence, each at most once: the live window, or everything of a recording. Missing numbers become gaps. */
  readonly segments: readonly PlaylistSegment[];
  /** The segment before the first, of whichever rendition: a gap at the beginning keeps its time and date when what precedes it is removed. */
  readonly predecessor?: PlaylistSegment | undefined;
  /** Whole seconds; see {@link targetDurationOf}. Never changes in the life of a stream. */
  readonly targetDurationSec: number;
  /** How many segments before the first of this list carry `discontinuity` (in the whole stream, not in the window before). */
  readonly discontinuitySequence: number;
  /** The stream was stopped: the playlist is a recording and never changes again. */
  readonly ended: boolean;
  /**
   * Media sequence numbers that the playlist must cover, both inclusive, when the stream's other renditions have more
   * than this one: what is missing at either end becomes gaps too. Defaults to the first and last segment.
   */
  readonly window?: { readonly first: number; readonly last: number };
  /** Where a number is in another rendition of the stream, for gaps: what they last must not change when more follows. */
  readonly placeOf?: ((mediaSequence: number) => SegmentPlace | undefined) | undefined;
  /**
   * Media sequence numbers at which the stream's time or parameters break, in whichever rendition: every rendition breaks
   * there (6.2.4), also one that has only a gap. Defaults to those of `segments`.
   */
  readonly discontinuities?: ReadonlySet<number>;
  /** Where players should begin, seconds from the first segment or, below zero, from the end (EXT-X-START). */
  readonly startSec?: number | undefined;
  /**
   * Lists the key frame that each segment begins with, for scrubbing, instead of the segment (4.4.3.6). One a segment, so that
   * both kinds of playlist count alike; a segment whose key frame is not known is a gap.
   */
  readonly iFrames?: boolean | undefined;
  /** Lists the captions beside each segment instead of the segment: WebVTT, of which there are no parts. */
  readonly captionsOf?: ((segment: PlaylistSegment) => string) | undefined;
  /** What clients at the live edge need; undefined for a stream without parts, and for what is not live. */
  readonly lowLatency?: LowLatency | undefined;
  /** For segments that need no initialisation, such as MPEG transport streams: where each of them is. */
  readonly uriOf?: ((segment: PlaylistSegment) => string) | undefined;
  /** What stretches of the wall clock mean: those within the window are told (4.4.5.1). */
  readonly dateRanges?: readonly DateRange[] | undefined;
  /** The client has the playlist already and asks for what is new alone (`_HLS_skip`, 6.2.5.1). Ignored where nothing can be left out. */
  readonly skip?: boolean | undefined;
}

/** A part as a playlist names it (RFC 8216bis section 4.4.4.9). */
export interface PlaylistPart {
  /** As seen from the playlist. */
  readonly uri: string;
  readonly durationUs: number;
  /** Begins with a key frame. */
  readonly independent: boolean;
  /** Announced as a part of the time, but never to be had. */
  readonly gap: boolean;
}

/** A segment of which there are parts, whether it is all there or not. */
export interface PartialSegments extends Pick<PlaylistSegment, 'mediaSequence' | 'initCid' | 'startUs' | 'programDateTimeMs' | 'discontinuity'> {
  /** In order, from index 0. */
  readonly parts: readonly PlaylistPart[];
}

/** How far another rendition of the stream has come (section 4.4.5.4). */
export interface RenditionReport {
  /** File name of its media playlist without `.m3u8`. */
  readonly name: string;
  readonly lastSequence: number;
  /** Undefined when the rendition has no parts now. */
  readonly lastPart: number | undefined;
}

/** The live edge of a rendition. What is constant over the stream's life is announced even while there are no parts. */
export interface LowLatency {
  /** No part is longer, microseconds. Never changes in the life of a stream. */
  readonly partTargetUs: number;
  /** By media sequence: the newest segments, those that are not all there, and those that never will be. */
  readonly partials: ReadonlyMap<number, PartialSegments>;
  /** The part that comes next, as seen from the playlist; undefined when none is expected. */
  readonly hint: string | undefined;
  readonly reports: readonly RenditionReport[];
}

/** Parts are listed while their segment begins within so many target durations of the end (6.2.2). */
export const partTargetsListed = 3;
/** How far from the end clients begin, in part targets (4.4.3.8: "SHOULD be at least three times"). */
export const partHoldBackTargets = 3;

/** Older than so many target durations before the end can be skipped: the least that 4.4.3.8 allows. */
export const skipBoundaryTargets = 6;

/** A rendition as a multivariant playlist names it; the fields are those of `encoding.started`. */
export interface PlaylistRendition {
  /** File name of its media playlist without `.m3u8`. */
  readonly name: string;
  readonly kind: 'video' | 'audio';
  /** RFC 6381, such as `avc1.64001f`. */
  readonly codecs: string;
  /** Peak and average bits per second of this rendition alone. */
  readonly bandwidth: number;
  readonly averageBandwidth?: number | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly frameRate?: number | undefined;
  readonly channels?: number | undefined;
  /** Of a sound: BCP 47, and what listeners choose it by; its name where nobody said. */
  readonly language?: string | undefined;
  readonly label?: string | undefined;
  /** Peak bits per second of its I-frame playlist; undefined when it has none. */
  readonly iFrameBandwidth?: number | undefined;
}

/** Captions beside the picture, as a multivariant playlist names them. */
export interface CaptionTrack {
  /** Such as `cc1`; its playlist is named after it. */
  readonly channel: string;
  readonly label: string;
}

export interface MultivariantPlaylist {
  readonly renditions: readonly PlaylistRendition[];
  /** The sound that is in the pictures' own segments; those of `renditions` may be chosen instead of it. */
  readonly muxed?: PlaylistRendition;
  readonly captions?: readonly CaptionTrack[];
  /** Query of every URI, with its question mark: what the playlist itself was asked for with. */
  readonly query?: string;
  /** As in its media playlists. */
  readonly startSec?: number | undefined;
  /** Small pictures for scrubbing, the newest last. */
  readonly images?: readonly ThumbnailImage[];
}

/**
 * The target duration of a stream, whole seconds, from the segment duration that its creator asked for. Segments are cut
 * at the first frame at or after the grid, so a duration exceeds the grid by less than a frame and still rounds to it.
 */
export function targetDurationOf(segmentDurationMs: number): number {
  return Math.ceil(segmentDurationMs / 1000);
}
